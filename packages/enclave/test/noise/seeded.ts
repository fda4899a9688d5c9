import { createHash } from 'node:crypto'
import type { RandomBytes } from '../../src/noise/index.ts'

/** Bytes that are the same in each run. */
export function seededBytes(seed: string): RandomBytes {
  let counter = 0
  let left = Buffer.alloc(0)
  return (length) => {
    while (left.length < length)
      left = Buffer.concat([left, createHash('sha256').update(`${seed}:${counter++}`).digest()])
    const taken = left.subarray(0, length)
    left = left.subarray(length)
    return taken
  }
}
