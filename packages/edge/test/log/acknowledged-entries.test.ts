import { expect, test } from 'vitest'
import { concat } from '@sotto/protocol/bytes'
import {
  leafHash,
  proveConsistency,
  proveInclusion,
  verifyConsistency,
  verifyInclusion,
} from '@sotto/protocol/merkle'
import { createMemoryStore } from './memory-store.ts'
import { append, checkpoint, envelope, open, threeWitnesses, tilesOf } from './parties.ts'

test('an acknowledged entry is provably in a checkpoint that a quorum has cosigned', async () => {
  const witnesses = threeWitnesses()
  const log = open(createMemoryStore(), witnesses)
  await append(log, envelope('before'))
  const before = await checkpoint(log, witnesses)
  for (let i = 1; i < 6; i++) {
    const entry = envelope(`entry ${i}`)
    expect(await append(log, entry)).toEqual({ status: 200, body: { index: i } })
    const { size, root } = await checkpoint(log, witnesses)
    expect(size).toBeGreaterThan(i)
    verifyInclusion(leafHash(entry), i, size, await proveInclusion(i, size, tilesOf(log)), root)
    verifyConsistency(
      before.size,
      before.root,
      size,
      root,
      await proveConsistency(before.size, size, tilesOf(log)),
    )
  }
})

test('many entries at once share few checkpoints, and proofs across tiles hold', async () => {
  const witnesses = threeWitnesses()
  let published = 0
  const log = open(createMemoryStore(), witnesses, { onPublished: () => published++ })
  const entries = Array.from({ length: 600 }, (_, index) => envelope(`${index}`))
  const answers = await Promise.all(entries.map((entry) => append(log, entry)))
  expect(new Set(answers.map(({ body }) => body['index'])).size).toBe(600)
  expect(published).toBeLessThan(10)
  const { size, root } = await checkpoint(log, witnesses)
  for (const [position, entry] of entries.entries()) {
    if (position % 97 !== 0) continue
    const index = answers[position]!.body['index'] as number
    verifyInclusion(leafHash(entry), index, size, await proveInclusion(index, size, tilesOf(log)), root)
  }
})

test('the same bytes are one entry, whoever sends them when', async () => {
  const log = open(createMemoryStore(), threeWitnesses())
  const [a, b] = await Promise.all([append(log, envelope('x')), append(log, envelope('x'))])
  expect([a.body, b.body, (await append(log, envelope('x'))).body]).toEqual([
    { index: 0 },
    { index: 0 },
    { index: 0 },
  ])
})

test('entry bundles hold the entries with their lengths', async () => {
  const log = open(createMemoryStore(), threeWitnesses())
  const entries = [envelope('a'), envelope('b')]
  for (const entry of entries) await append(log, entry)
  const response = await log.app(new Request('http://log/log/tile/entries/000.p/2'))
  const expected = concat(
    ...entries.flatMap((entry) => [Uint8Array.of(entry.length >> 8, entry.length & 255), entry]),
  )
  expect(new Uint8Array(await response.arrayBuffer())).toEqual(expected)
  expect(response.headers.get('cache-control')).toContain('immutable')
})
