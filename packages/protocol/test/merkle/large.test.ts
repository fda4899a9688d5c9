import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { concat, utf8 } from '@sotto/protocol/bytes'
import {
  leafHash,
  nodeHash,
  proveConsistency,
  proveInclusion,
  rootFromTiles,
  verifyConsistency,
  verifyInclusion,
  type TileReader,
} from '@sotto/protocol/merkle'

/** A tree of any size in no memory: every leaf is the same, so every level has one hash. */
const LEVELS = [leafHash(utf8('the same'))]
while (LEVELS.length <= 56) LEVELS.push(nodeHash(LEVELS.at(-1)!, LEVELS.at(-1)!))
const read: TileReader = async ({ level, width }) =>
  concat(...Array.from({ length: width }, () => LEVELS[level * 8]!))

/** Around powers of two a logarithm of a large size rounds to the wrong side. */
const size = fc
  .tuple(fc.integer({ min: 1, max: 52 }), fc.integer({ min: -2, max: 2 }))
  .map(([power, offset]) => Math.max(1, 2 ** power + offset))

describe('proofs of large trees', () => {
  it('verify up to 2^52 leaves, on both sides of every power of two', async () => {
    await fc.assert(
      fc.asyncProperty(size, size, async (a, b) => {
        const [older, newer] = a < b ? [a, b] : [b, a]
        const root = await rootFromTiles(newer, read)
        const old = await rootFromTiles(older, read)
        verifyConsistency(older, old, newer, root, await proveConsistency(older, newer, read))
        verifyInclusion(LEVELS[0]!, older - 1, newer, await proveInclusion(older - 1, newer, read), root)
        if (older < newer)
          expect(() => verifyConsistency(older, old, newer, root, [])).toThrow(
            expect.objectContaining({ code: 'MERKLE_CONSISTENCY' }),
          )
      }),
      { numRuns: process.env['SLOW'] ? 500 : 50 },
    )
  })

  it.each([2 ** 49 + 1, 2 ** 52 - 1])('verify from %i leaves', async (older) => {
    const newer = 2 ** 52 + 2 ** 20
    verifyConsistency(
      older,
      await rootFromTiles(older, read),
      newer,
      await rootFromTiles(newer, read),
      await proveConsistency(older, newer, read),
    )
  })
})
