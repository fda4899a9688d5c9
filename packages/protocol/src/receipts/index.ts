export type { InferenceReceipt, ReceiptCertificate, ReceiptTrailer, SavedReceipt } from './types.ts'
export {
  RECEIPT_SALT_BYTES,
  requestDigest,
  responseDigest,
  saltRequest,
  saltResponse,
  type BodyDigest,
  type RequestDigestHead,
  type ResponseDigestHead,
} from './digests.ts'
export {
  encodeReceiptTrailer,
  inferenceReceiptDecoder,
  MAX_SAVED_RECEIPT_BYTES,
  parseReceiptCertificate,
  parseReceiptTrailer,
  parseSavedReceipt,
  receiptCertificateDecoder,
  RECEIPT_TRAILER,
} from './decode.ts'
