import { concat } from '@sotto/protocol/bytes'
import type { RangeReader } from '@sotto/protocol/sealed'

/** Bytes of one range request, and how many of them are under way while one is worked on. */
const BLOCK_BYTES: number = 4 * 1024 * 1024
const BLOCKS_AHEAD = 4

/** A remote file that is read once, from its beginning to its end. */
export interface ReadAhead {
  /** For `openArtifact`: ranges in the order of the file; what is read again is at most one block back. */
  read: RangeReader
  /** Stops the requests under way. Always call it. */
  close(): void
}

/** What to read, and how. */
export interface ReadAheadOptions {
  /** Of the whole file. */
  bytes: number
  /** Exactly these bytes, or it throws. */
  fetchRange(start: number, length: number, signal: AbortSignal): Promise<Uint8Array>
  /** Default 4 MiB. */
  blockBytes?: number
}

/** Begins to read at once: the first blocks come while somebody else still gets the key. */
export function readAhead({ bytes, fetchRange, blockBytes = BLOCK_BYTES }: ReadAheadOptions): ReadAhead {
  const stop = new AbortController()
  const blocks = new Map<number, Promise<Uint8Array>>()
  const count = Math.ceil(bytes / blockBytes)

  function block(index: number): Promise<Uint8Array> {
    let found = blocks.get(index)
    if (found === undefined) {
      const start = index * blockBytes
      const length = Math.min(blockBytes, bytes - start)
      found = fetchRange(start, length, stop.signal).then((block) => {
        // With fewer bytes nobody would ever get to the end.
        if (block.length === length) return block
        throw new Error(`a range of ${block.length} bytes instead of ${length}`)
      })
      found.catch(() => undefined)
      blocks.set(index, found)
    }
    return found
  }

  /** Blocks in order, let go when the reader is past them. */
  async function take(index: number): Promise<Uint8Array> {
    for (let next = index + 1; next < Math.min(count, index + BLOCKS_AHEAD); next++) void block(next)
    const found = await block(index)
    for (const old of blocks.keys()) if (old < index - 1) blocks.delete(old)
    return found
  }

  for (let index = 0; index < Math.min(count, BLOCKS_AHEAD); index++) void block(index)

  return {
    async read(start, length) {
      const end = Math.min(bytes, start + length)
      const parts: Uint8Array[] = []
      for (let at = start; at < end;) {
        const index = Math.floor(at / blockBytes)
        const first = index * blockBytes
        const part = (await take(index)).subarray(at - first, Math.min(blockBytes, end - first))
        parts.push(part)
        at += part.length
      }
      // One part is a view: nobody copies a model twice.
      return parts.length === 1 ? parts[0]! : concat(...parts)
    },
    close() {
      stop.abort()
      blocks.clear()
    },
  }
}
