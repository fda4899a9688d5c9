import { paddedLength } from '@sotto/protocol/ohttp'

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
