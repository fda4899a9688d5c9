export { COLLATERAL_INDEX, readCollateral, writeCollateral } from './collateral-files.ts'
export { fileStorage } from './file-storage.ts'
