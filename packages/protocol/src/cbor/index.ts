export { decodeCbor, type CborLimits } from './decode.ts'
export { encodeCbor } from './encode.ts'
export type { CborErrorCode } from './errors.ts'
export { CborTag, type CborInteger, type CborKey, type CborMap, type CborValue } from './types.ts'
