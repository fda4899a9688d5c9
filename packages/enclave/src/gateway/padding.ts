/** Smallest sizes of an answer: short ones of one bucket look alike to the network. */
const SMALL_BUCKETS = [1024, 4096, 16_384, 65_536] as const

/** Receivers accept no more padding than this (`DEFAULT_BHTTP_LIMITS`); it binds above 64 MiB only. */
const MAX_STEP = 2 ** 20

/**
 * Bytes a message of `length` bytes is padded to: 1, 4, 16 or 64 KiB, above that Padmé (Nikitin et
 * al., PoPETs 2019, Section 4), which leaks O(log log n) bits and costs at most 12 %. Clients pad
 * their requests by the same rule.
 */
export function paddedLength(length: number): number {
  for (const bucket of SMALL_BUCKETS) if (length <= bucket) return bucket
  const exponent = Math.floor(Math.log2(length))
  const significantBits = Math.floor(Math.log2(exponent)) + 1
  // Powers instead of shifts: bodies may exceed 2^31 bytes.
  const step = Math.min(2 ** (exponent - significantBits), MAX_STEP)
  return Math.ceil(length / step) * step
}

/** Plaintext bytes of one chunk that every client accepts (chunked OHTTP draft, Section 6). */
export const CHUNK_BYTES = 16_384

/**
 * Cuts a message into blocks of exactly {@link CHUNK_BYTES} and fills the end with zeros (RFC 9292
 * Section 3.8) to its padded length: neither writes nor lengths of the body show outside.
 */
export async function* padMessage(parts: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void> {
  let block = new Uint8Array(CHUNK_BYTES)
  let filled = 0
  let total = 0
  for await (const part of parts) {
    total += part.length
    for (let offset = 0; offset < part.length;) {
      const piece = part.subarray(offset, offset + CHUNK_BYTES - filled)
      block.set(piece, filled)
      filled += piece.length
      offset += piece.length
      if (filled === CHUNK_BYTES) {
        yield block
        block = new Uint8Array(CHUNK_BYTES)
        filled = 0
      }
    }
  }
  // The unused rest of a block is zeros already.
  for (let missing = paddedLength(total) - total + filled; missing > 0; missing -= CHUNK_BYTES) {
    yield block.subarray(0, Math.min(missing, CHUNK_BYTES))
    block = new Uint8Array(CHUNK_BYTES)
  }
}
