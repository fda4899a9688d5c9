import { toHex } from '@sotto/protocol/bytes'
import { crypto } from '@sotto/protocol/crypto-backend'
import type { Digest } from '@sotto/protocol/keyrelease'
import { FIXED_HEADER_BYTES, MIN_CHUNK_BYTES, type RangeReader } from '@sotto/protocol/sealed'
import { MAX_METADATA_BYTES } from './limits.ts'

/** A sealed file that is read once, from its start to its end. */
export interface OutputReader {
  read: RangeReader
  /** From now on more than is asked for may be read at once, up to here. */
  readUpTo(end: number): void
  /** Of what was given to read. The beginning may be read again: the last time counts. */
  digest(): Digest
}

/** Bytes of one request at most: a chunk alone would be a journey of its own. */
const BLOCK_BYTES = 8_388_608
const TAG_BYTES = 16

/** Bytes that a sealed file of so much content has at most, however it is cut. */
export function maxSealedBytes(contentBytes: number): number {
  const chunks = Math.max(1, Math.ceil(contentBytes / MIN_CHUNK_BYTES))
  return FIXED_HEADER_BYTES + MAX_METADATA_BYTES + TAG_BYTES + contentBytes + chunks * TAG_BYTES
}

/** Reads by way of `source`, whose keeper is not trusted, in blocks, and hashes what goes by. */
export function outputReader(source: RangeReader): OutputReader {
  let hash = crypto.createHash('sha256')
  let block: Uint8Array = new Uint8Array(0)
  let blockStart = 0
  let end = 0
  return {
    async read(start, length) {
      if (start < blockStart || start + length > blockStart + block.length) {
        block = await source(start, Math.max(length, Math.min(BLOCK_BYTES, end - start)))
        blockStart = start
      }
      const bytes = block.subarray(start - blockStart, start - blockStart + length)
      if (start === 0) hash = crypto.createHash('sha256')
      hash.update(bytes)
      return bytes
    },
    readUpTo(bytes) {
      end = bytes
    },
    digest: () => toHex(hash.digest()),
  }
}
