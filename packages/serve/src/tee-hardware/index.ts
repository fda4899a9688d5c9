export { COLLATERAL_FOLDER, collateralFiles } from './collateral-files.ts'
export { type HardwareOptions, openHardware } from './hardware.ts'
