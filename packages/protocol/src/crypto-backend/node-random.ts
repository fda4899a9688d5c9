import { randomFillSync } from 'node:crypto'
import { badInput } from './errors.ts'

const POOL_LENGTH = 4096
const MAX_LENGTH = 1 << 20
const pool = Buffer.alloc(POOL_LENGTH)
let used = POOL_LENGTH

/** Random bytes; short requests are served from a pool, because one system call costs 2 µs. */
export function randomBytes(length: number): Uint8Array {
  if (!Number.isInteger(length) || length < 0 || length > MAX_LENGTH) {
    throw badInput('length of random bytes is out of range', {
      expected: `0 to ${MAX_LENGTH}`,
      found: `${length}`,
    })
  }
  if (length > POOL_LENGTH / 4) return randomFillSync(new Uint8Array(length))
  if (used + length > POOL_LENGTH) {
    randomFillSync(pool)
    used = 0
  }
  const out = new Uint8Array(length)
  out.set(pool.subarray(used, used + length))
  // What was handed out must not be found in the pool later.
  pool.fill(0, used, used + length)
  used += length
  return out
}
