export { type CoseErrorCode } from './errors.ts'
export { COSE_HEADER, COSE_SIGN1_TAG, parseCoseSign1, type CoseOptions, type CoseSign1 } from './parse.ts'
export { verifyCoseSign1, type CoseAlgorithm, type CoseVerifyOptions } from './verify.ts'
