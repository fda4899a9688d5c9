import { paddedLength } from '@sotto/protocol/sizes'

/** Plaintext bytes of one chunk that every client accepts (chunked OHTTP draft, Section 6). */
export const CHUNK_BYTES = 16_384

/** What a block starts with: most answers need no more. Grows by {@link GROWTH} up to a whole block. */
const SMALL_BLOCK_BYTES = 1024
const GROWTH = 4

/** Plaintext that is sealed and sent on its own; nothing comes after the final one. */
export interface Block {
  bytes: Uint8Array
  isFinal: boolean
}

/**
 * Cuts a message into blocks of exactly {@link CHUNK_BYTES} and fills the end with zeros (RFC 9292
 * Section 3.8) to its padded length: neither writes nor lengths of the body show outside.
 */
export async function* padMessage(parts: AsyncIterable<Uint8Array>): AsyncGenerator<Block, void> {
  let block = new Uint8Array(SMALL_BLOCK_BYTES)
  let filled = 0
  let total = 0
  for await (const part of parts) {
    total += part.length
    for (let offset = 0; offset < part.length;) {
      // A full block is held until more bytes show that it is not the final one.
      if (filled === CHUNK_BYTES) {
        yield { bytes: block, isFinal: false }
        block = new Uint8Array(SMALL_BLOCK_BYTES)
        filled = 0
      }
      if (filled === block.length) block = withLength(block, GROWTH * block.length)
      const piece = part.subarray(offset, offset + block.length - filled)
      block.set(piece, filled)
      filled += piece.length
      offset += piece.length
    }
  }
  // The unused rest of a block is zeros already.
  for (let missing = paddedLength(total) - total + filled; ; missing -= CHUNK_BYTES) {
    const isFinal = missing <= CHUNK_BYTES
    yield { bytes: withLength(block, isFinal ? missing : CHUNK_BYTES), isFinal }
    if (isFinal) return
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
