import { createHash, type Hash } from 'node:crypto'
import { constants } from 'node:fs'
import { open } from 'node:fs/promises'
import type { ObservedFile, OmsHash } from '@sotto/protocol/oms'

/** How files are hashed. */
export interface HashOptions {
  hash: OmsHash
  /** Bytes of a part; absent: a file has one digest. */
  shardSize?: number
  /** Whether a link stands for what it points to. */
  followLinks?: boolean
  signal?: AbortSignal
}

const PIECE_BYTES = 1 << 20
const NODE_NAMES = { sha256: 'sha256', blake2b: 'blake2b512' } as const

/**
 * Digests of a file of any size, read once with one buffer. Size and digests are of the same bytes, those that were
 * read; a FIFO or device is not waited for.
 *
 * @throws Error of the file system; `RangeError` for what is no file
 */
export async function hashFile(path: string, options: HashOptions): Promise<ObservedFile> {
  const { hash: name, shardSize = Infinity, followLinks = false, signal } = options
  const flags = constants.O_RDONLY | constants.O_NONBLOCK | (followLinks ? 0 : constants.O_NOFOLLOW)
  const file = await open(path, flags)
  try {
    if (!(await file.stat()).isFile()) throw new RangeError('not a file')
    const digests: string[] = []
    const piece = Buffer.allocUnsafe(PIECE_BYTES)
    let hash: Hash | undefined
    let size = 0
    let inShard = 0
    for (;;) {
      signal?.throwIfAborted()
      const { bytesRead } = await file.read(piece, 0, PIECE_BYTES, null)
      if (bytesRead === 0) break
      for (let at = 0; at < bytesRead;) {
        const end = Math.min(bytesRead, at + shardSize - inShard)
        hash ??= createHash(NODE_NAMES[name])
        hash.update(piece.subarray(at, end))
        inShard += end - at
        at = end
        if (inShard < shardSize) continue
        digests.push(hash.digest('hex'))
        hash = undefined
        inShard = 0
      }
      size += bytesRead
    }
    if (hash !== undefined) digests.push(hash.digest('hex'))
    else if (size === 0 && shardSize === Infinity) digests.push(createHash(NODE_NAMES[name]).digest('hex'))
    return { size, digests }
  } finally {
    await file.close()
  }
}
