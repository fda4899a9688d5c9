import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { concat, utf8 } from '@sotto/protocol/bytes'
import { emptyRoot, leafHash, nodeHash, rootFromTiles } from '@sotto/protocol/merkle'
import { appendEntries, EMPTY_FRONTIER, rootOf, type TileHash } from '../../src/log/frontier.ts'

const RUNS = process.env['SLOW'] ? 500 : 25

/** RFC 6962 Section 2.1, written as the RFC writes it. */
function merkleTreeHash(entries: readonly Uint8Array[]): Uint8Array {
  if (entries.length === 0) return emptyRoot()
  if (entries.length === 1) return leafHash(entries[0]!)
  const k = 2 ** Math.ceil(Math.log2(entries.length) - 1)
  return nodeHash(merkleTreeHash(entries.slice(0, k)), merkleTreeHash(entries.slice(k)))
}

test('the root is the RFC 6962 tree hash, however the entries were batched, and tiles lead to it', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.integer({ min: 0, max: 200 }), { maxLength: 5 }), async (batches) => {
      let frontier = EMPTY_FRONTIER
      const all: Uint8Array[] = []
      const hashes: TileHash[] = []
      for (const size of batches) {
        const entries = Array.from({ length: size }, (_, index) => utf8(`${all.length + index}`))
        const next = appendEntries(frontier, entries)
        frontier = next.frontier
        all.push(...entries)
        hashes.push(...next.hashes)
      }
      expect(frontier.size).toBe(all.length)
      expect(rootOf(frontier)).toEqual(merkleTreeHash(all))
      const root = await rootFromTiles(all.length, async ({ level, index, width }) =>
        concat(
          ...hashes
            .filter((hash) => hash.level === level && Math.floor(hash.index / 256) === index)
            .slice(0, width)
            .map((hash) => hash.hash),
        ),
      )
      expect(root).toEqual(merkleTreeHash(all))
    }),
    { numRuns: RUNS },
  )
})

test('a tile of level 1 starts when 256 entries are there, level 2 with 65536', () => {
  const { hashes } = appendEntries(
    EMPTY_FRONTIER,
    Array.from({ length: 65_536 }, (_, index) => utf8(`${index}`)),
  )
  const count = (level: number): number => hashes.filter((hash) => hash.level === level).length
  expect([count(0), count(1), count(2), count(3)]).toEqual([65_536, 256, 1, 0])
})

test('appending leaves the old frontier as it was', () => {
  const { frontier } = appendEntries(EMPTY_FRONTIER, [utf8('a')])
  const root = rootOf(frontier)
  appendEntries(frontier, [utf8('b'), utf8('c')])
  expect([frontier.size, rootOf(frontier)]).toEqual([1, root])
})
