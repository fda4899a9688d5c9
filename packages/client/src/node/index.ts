export {
  COLLATERAL_INDEX,
  readCollateral,
  readFolder,
  requireOwnFolder,
  writeCollateral,
} from './collateral-files.ts'
export { fileStorage } from './file-storage.ts'
export { fileTokenShelf, type FileTokenShelfOptions } from './token-shelf.ts'
export { withLock } from './with-lock.ts'
export { syncFolder, writeNew, writeWhole } from './write-whole.ts'
