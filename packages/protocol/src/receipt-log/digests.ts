import { concat, fromBase64Url, toBase64Url, utf8 } from '../bytes/index.ts'
import { publicCrypto } from '../crypto-backend/index.ts'
import type { ReceiptTrailer } from '../receipts/index.ts'
import { BATCH_SIZES, MAX_BATCH_DIGESTS, RECEIPT_DIGEST_BYTES, type ReceiptBatch } from './types.ts'

const LABEL = utf8('sotto-receipt-digest-v1\0')

/**
 * What a batch holds of one receipt: SHA-256 of `"sotto-receipt-digest-v1" NUL`, the 32 bytes of its salt, and the
 * SHA-256 of its envelope. Only enclave and client know the salt, and whomever the client shows the receipt to.
 */
export function receiptDigest({ envelope, salt }: ReceiptTrailer): Uint8Array {
  return publicCrypto.sha256(LABEL, fromBase64Url(salt), publicCrypto.sha256(utf8(envelope)))
}

/**
 * `digests` of a batch: these, and random ones up to the next of `BATCH_SIZES`.
 *
 * @param digests at most {@link MAX_BATCH_DIGESTS}, distinct, 32 bytes each
 * @param randomBytes of a generator fit for keys: a batch must not tell its random digests from the others
 */
export function fillDigests(
  digests: readonly Uint8Array[],
  randomBytes: (length: number) => Uint8Array,
): string {
  const size = BATCH_SIZES.find((most) => digests.length <= most)
  if (size === undefined) throw new TypeError(`a batch holds at most ${MAX_BATCH_DIGESTS} digests`)
  const random = Array.from({ length: size - digests.length }, () => randomBytes(RECEIPT_DIGEST_BYTES))
  return toBase64Url(concat(...[...digests, ...random].toSorted(compareBytes)))
}

/** Whether a batch that was decoded holds this digest of 32 bytes. */
export function holdsDigest({ digests }: Pick<ReceiptBatch, 'digests'>, digest: Uint8Array): boolean {
  const bytes = fromBase64Url(digests)
  let [low, high] = [0, bytes.length / RECEIPT_DIGEST_BYTES]
  while (low < high) {
    const middle = (low + high) >>> 1
    const order = compareBytes(digestAt(bytes, middle), digest)
    if (order === 0) return true
    if (order < 0) low = middle + 1
    else high = middle
  }
  return false
}

/** How many digests a batch that was decoded holds, the random ones among them. */
export function digestCount({ digests }: Pick<ReceiptBatch, 'digests'>): number {
  return fromBase64Url(digests).length / RECEIPT_DIGEST_BYTES
}

/** Why this is no value of `digests`, or nothing. */
export function findDigestsDefect(digests: string): string | undefined {
  const bytes = fromBase64Url(digests)
  const count = bytes.length / RECEIPT_DIGEST_BYTES
  if (!(BATCH_SIZES as readonly number[]).includes(count))
    return `it has none of the sizes ${BATCH_SIZES.join(', ')}`
  for (let at = 1; at < count; at++)
    if (compareBytes(digestAt(bytes, at - 1), digestAt(bytes, at)) >= 0) return 'its digests are not in order'
  return undefined
}

function digestAt(bytes: Uint8Array, index: number): Uint8Array {
  return bytes.subarray(index * RECEIPT_DIGEST_BYTES, (index + 1) * RECEIPT_DIGEST_BYTES)
}

/** Order by the first byte that differs. What is compared is public. */
function compareBytes(a: Uint8Array, b: Uint8Array): number {
  for (let at = 0; at < RECEIPT_DIGEST_BYTES; at++) if (a[at] !== b[at]) return a[at]! - b[at]!
  return 0
}
