import fc from 'fast-check'
import { expect, it } from 'vitest'
import { fromUtf8 } from '../../src/bytes/index.ts'
import { encodeManifest, firstDifference, type ManifestEntry } from '../../src/measurement/index.ts'

const entry = (path: string, sha256 = 'aa'.repeat(32), mode = 0o644): ManifestEntry => ({
  path,
  sha256,
  mode,
})
const text = (...entries: ManifestEntry[]): string => fromUtf8(encodeManifest(entries))
const base = text(entry('a'), entry('b/c'), entry('d'))

it.each([
  [
    'other bytes',
    text(entry('a'), entry('b/c', 'bb'.repeat(32)), entry('d')),
    { path: 'b/c', kind: 'has other bytes' },
  ],
  [
    'another mode',
    text(entry('a'), entry('b/c', undefined, 0o755), entry('d')),
    { path: 'b/c', kind: 'has another mode' },
  ],
  ['a missing file', text(entry('a'), entry('d')), { path: 'b/c', kind: 'is missing' }],
  [
    'an extra file',
    text(entry('a'), entry('aa'), entry('b/c'), entry('d')),
    { path: 'aa', kind: 'is extra' },
  ],
  [
    'two, the first by path',
    text(entry('d', 'bb'.repeat(32)), entry('b/c')),
    { path: 'a', kind: 'is missing' },
  ],
])('names the first file that differs: %s', (_what, found, expected) => {
  expect(firstDifference(base, found)).toEqual(expected)
})

it('finds none in the same manifest', () => {
  expect(firstDifference(base, base)).toBeUndefined()
})

it('finds one in any two texts that are not equal', () => {
  fc.assert(
    fc.property(fc.string(), fc.string(), (a, b) => {
      expect(firstDifference(a, b) === undefined).toBe(a === b)
    }),
  )
})
