import { BLOCK_BYTES, type VerityTree } from './merkle.ts'

/** Where blocks go; {@link VerityTree} is one. */
export type BlockSink = Pick<VerityTree, 'write' | 'writeZeros'>

/** Bytes of a device, one after another. */
export interface BlockStream {
  /** Number of the next block; what was appended has to end with one. */
  block(): number
  /** Takes bytes; only whole blocks reach the sink. */
  append(bytes: Uint8Array): void
  /** Fills the block that is open, if one is, with zeros. */
  align(): void
  /** Whole blocks of zeros. */
  zeros(count: number): void
  /** Writes a block that was passed again. */
  rewrite(block: number, bytes: Uint8Array): void
}

/** A stream into a sink that begins at a block. */
export function createBlockStream(sink: BlockSink, first: number): BlockStream {
  let next = first
  const open = new Uint8Array(BLOCK_BYTES)
  let used = 0
  const stream: BlockStream = {
    block() {
      if (used !== 0) throw new RangeError('the stream is within a block')
      return next
    },
    append(bytes) {
      for (let at = 0; at < bytes.length;) {
        if (used === 0 && bytes.length - at >= BLOCK_BYTES) {
          sink.write(next++, bytes.subarray(at, at + BLOCK_BYTES))
          at += BLOCK_BYTES
          continue
        }
        const piece = bytes.subarray(at, at + BLOCK_BYTES - used)
        open.set(piece, used)
        used += piece.length
        at += piece.length
        if (used < BLOCK_BYTES) return
        sink.write(next++, open.slice())
        used = 0
      }
    },
    align() {
      if (used > 0) stream.append(new Uint8Array(BLOCK_BYTES - used))
    },
    zeros(count) {
      sink.writeZeros(stream.block(), count)
      next += count
    },
    rewrite: (block, bytes) => sink.write(block, bytes),
  }
  return stream
}
