import { createHash } from 'node:crypto'
import type { RangeReader } from '@sotto/protocol/sealed'

/** Bytes that {@link HashedReader.digest} reads at once. */
const PIECE_BYTES: number = 1024 * 1024

/** A sealed file that is hashed while it is read. */
export interface HashedReader {
  read: RangeReader
  /** Reads what is left. @returns SHA-256 of the whole, hexadecimal; of something else where the file is cut short */
  digest(): Promise<string>
}

/**
 * Hashes ranges as they are read in the order of the file; what is read again is hashed once.
 * @param bytes of the whole file
 */
export function readHashed(read: RangeReader, bytes: number): HashedReader {
  const hash = createHash('sha256')
  let hashed = 0
  const reader: RangeReader = async (start, length) => {
    const range = await read(start, length)
    if (start > hashed) throw new RangeError('a sealed file is read in its order')
    if (start + range.length > hashed) {
      hash.update(range.subarray(hashed - start))
      hashed = start + range.length
    }
    return range
  }
  return {
    read: reader,
    async digest() {
      while (hashed < bytes) {
        const { length } = await reader(hashed, Math.min(PIECE_BYTES, bytes - hashed))
        if (length === 0) break
      }
      return hash.digest('hex')
    },
  }
}
