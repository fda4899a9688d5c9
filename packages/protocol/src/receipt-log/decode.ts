import { base64url, hex, integer, literal, object, refine, type Decoder } from '../jcs/index.ts'
import { findDigestsDefect } from './digests.ts'
import { BATCH_SIZES, MAX_BATCH_DIGESTS, RECEIPT_DIGEST_BYTES, type ReceiptBatch } from './types.ts'

/** Decodes a {@link ReceiptBatch}. @throws `JCS_FIELD` */
export const receiptBatchDecoder: Decoder<ReceiptBatch> = object({
  version: literal(1),
  genesis: hex(32),
  evidence: hex(32),
  sequence: integer(1),
  previous: hex(32),
  digests: refine(
    base64url(BATCH_SIZES[0] * RECEIPT_DIGEST_BYTES, MAX_BATCH_DIGESTS * RECEIPT_DIGEST_BYTES),
    findDigestsDefect,
  ),
})
