export { receiptBatchDecoder } from './decode.ts'
export { digestCount, fillDigests, holdsDigest, receiptDigest } from './digests.ts'
export {
  BATCH_SIZES,
  MAX_BATCH_DIGESTS,
  NO_PREVIOUS_BATCH,
  RECEIPT_BATCH_TYPE,
  RECEIPT_DIGEST_BYTES,
  type ReceiptBatch,
} from './types.ts'
