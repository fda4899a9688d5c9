export { type CoseErrorCode } from './errors.ts'
export {
  COSE_HEADER,
  COSE_SIGN1_TAG,
  parseCoseSign1,
  parseDetachedCoseSign1,
  type CoseOptions,
  type CoseSign1,
} from './parse.ts'
export {
  parseCoseReceipt,
  RECEIPT_HEADER,
  receiptTree,
  verifyCoseReceipt,
  type ConsistencyProof,
  type CoseReceipt,
  type InclusionProof,
  type ReceiptVerification,
} from './receipt.ts'
export { verifyCoseSign1, type CoseAlgorithm, type CoseVerifyOptions } from './verify.ts'
