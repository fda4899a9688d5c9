import { paddedLength } from '@sotto/protocol/ohttp'

/** Plaintext bytes of one chunk that every client accepts (chunked OHTTP draft, Section 6). */
export const CHUNK_BYTES = 16_384

/** What a block starts with: most answers need no more. Grows by {@link GROWTH} up to a whole block. */
const SMALL_BLOCK_BYTES = 1024
const GROWTH = 4

/**
 * Cuts a message into blocks of exactly {@link CHUNK_BYTES} and fills the end with zeros (RFC 9292
 * Section 3.8) to its padded length: neither writes nor lengths of the body show outside.
 */
export async function* padMessage(parts: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void> {
  let block = new Uint8Array(SMALL_BLOCK_BYTES)
  let filled = 0
  let total = 0
  for await (const part of parts) {
    total += part.length
    for (let offset = 0; offset < part.length;) {
      if (filled === block.length) block = withLength(block, GROWTH * block.length)
      const piece = part.subarray(offset, offset + block.length - filled)
      block.set(piece, filled)
      filled += piece.length
      offset += piece.length
      if (filled === CHUNK_BYTES) {
        yield block
        block = new Uint8Array(SMALL_BLOCK_BYTES)
        filled = 0
      }
    }
  }
  let missing = paddedLength(total) - total + filled
  for (; missing > 0; missing -= CHUNK_BYTES) {
    // The unused rest of a block is zeros already.
    yield withLength(block, Math.min(missing, CHUNK_BYTES))
    block = new Uint8Array(0)
  }
}

/** The same bytes, cut or followed by zeros. */
function withLength(block: Uint8Array<ArrayBuffer>, length: number): Uint8Array<ArrayBuffer> {
  if (length <= block.length) return block.subarray(0, length)
  const longer = new Uint8Array(length)
  longer.set(block)
  return longer
}
