import type { Digest } from '../keyrelease/types.ts'

/** DSSE payload type of a {@link ReceiptBatch}. */
export const RECEIPT_BATCH_TYPE = 'application/vnd.sotto.receipt-batch+json'

/** `previous` of the first batch of a boot. */
export const NO_PREVIOUS_BATCH: Digest = '0'.repeat(64)

/**
 * How many digests a batch holds: one of these, whatever was answered. What a batch has too few of is random, so that
 * nobody sees how many answers there were. The largest fits into one entry of a log (60000 bytes).
 */
export const BATCH_SIZES = [64, 256, 1024] as const

/** The largest of {@link BATCH_SIZES}. */
export const MAX_BATCH_DIGESTS: number = BATCH_SIZES[2]

/** Bytes of one digest of a receipt. */
export const RECEIPT_DIGEST_BYTES = 32

/**
 * Digests of receipts that one enclave has signed, in one entry of the log, signed by the key of those receipts. Only
 * who holds a receipt finds it again: digests are salted, ordered by their own bytes, and stand among random ones.
 * Whoever holds receipt and entry can show that the receipt existed when witnesses first saw the entry, even after the
 * hardware of that time was broken and receipts can be forged.
 */
export interface ReceiptBatch {
  version: 1
  genesis: Digest
  /** The release that certified the signing key, the newest when this was signed. */
  evidence: Digest
  /** 1 for the first batch of this boot; then one more for each. */
  sequence: number
  /** Digest of the batch before; {@link NO_PREVIOUS_BATCH} for the first. */
  previous: Digest
  /** One of {@link BATCH_SIZES} digests of 32 bytes, distinct and in ascending order, as base64url. */
  digests: string
}
