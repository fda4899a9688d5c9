import { hash } from 'node:crypto'

/** Bytes of a block of data and of a block of digests. */
export const BLOCK_BYTES = 4096
const DIGEST_BYTES = 32
/** dm-verity's salt stands in front of every block; that of Confidential ACI is 32 zeros. */
const SALT = Buffer.alloc(DIGEST_BYTES)

/** Takes the blocks of a device in any order, each as often as it is written: the last one counts. */
export interface VerityTree {
  /** The block's 4,096 bytes. */
  write(block: number, bytes: Uint8Array): void
  /** So many blocks of zeros from `block` on. */
  writeZeros(block: number, count: number): void
  /** Root hash, 64 hexadecimal characters, once every block up to the last one was written. */
  root(): string
}

/**
 * Merkle tree of a dm-verity device (Linux, Documentation/admin-guide/device-mapper/verity.rst; hash type 1, SHA-256,
 * blocks of 4,096 bytes) with a salt of 32 zero bytes. Only digests are kept: 32 bytes for 4,096.
 */
export function createVerityTree(): VerityTree {
  let leaves = Buffer.alloc(1024 * DIGEST_BYTES)
  let count = 0
  const zero = digestOf(new Uint8Array(BLOCK_BYTES))
  const put = (block: number, digest: Uint8Array): void => {
    const end = (block + 1) * DIGEST_BYTES
    if (end > leaves.length) {
      const larger = Buffer.alloc(Math.max(end, 2 * leaves.length))
      larger.set(leaves)
      leaves = larger
    }
    leaves.set(digest, block * DIGEST_BYTES)
    count = Math.max(count, block + 1)
  }
  return {
    write: (block, bytes) => put(block, digestOf(bytes)),
    writeZeros(block, count) {
      for (let at = block; at < block + count; at++) put(at, zero)
    },
    root() {
      let level = padded(leaves.subarray(0, count * DIGEST_BYTES))
      while (level.length > BLOCK_BYTES) {
        const digests: Uint8Array[] = []
        for (let at = 0; at < level.length; at += BLOCK_BYTES)
          digests.push(digestOf(level.subarray(at, at + BLOCK_BYTES)))
        level = padded(Buffer.concat(digests))
      }
      return Buffer.from(digestOf(level)).toString('hex')
    },
  }
}

function padded(digests: Uint8Array): Buffer {
  const level = Buffer.alloc(Math.ceil(digests.length / BLOCK_BYTES) * BLOCK_BYTES)
  level.set(digests)
  return level
}

function digestOf(block: Uint8Array): Uint8Array {
  return hash('sha256', Buffer.concat([SALT, block]), 'buffer')
}
