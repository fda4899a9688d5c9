import { concat, uint, utf8 } from '@sotto/protocol/bytes'
import { crypto } from '@sotto/protocol/crypto-backend'
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { Contents, type ContentsEntry } from '../../src/store/contents.ts'

const numRuns = process.env['SLOW'] === '1' ? 1000 : 100
/** Few names, so that they meet; of units whose order differs between UTF-8 and UTF-16. */
const name = fc.constantFrom('', 'a', 'a\0b', 'aa', 'b', 'é', '\uffee', '\u{1f600}', 'b\0')
const entry = fc.option(fc.record({ version: fc.integer({ min: 1, max: 2 ** 47 }), size: fc.nat(1000) }))
const commits = fc.array(fc.array(fc.tuple(name, entry), { maxLength: 6 }), { maxLength: 8 })

/** What the digest is of: every name and version, in order, as stores have had it from their first version. */
function digestOf(entries: ReadonlyMap<string, ContentsEntry>): Uint8Array {
  const parts = [...entries.keys()].sort().flatMap((one) => {
    const bytes = utf8(one)
    return [uint(bytes.length, 4), bytes, uint(entries.get(one)!.version, 6)]
  })
  return crypto.sha256(concat(...parts))
}

test('contents after any commits are what is there, as if they were made at once', () => {
  fc.assert(
    fc.property(commits, (all) => {
      const there = new Map<string, ContentsEntry>()
      let contents = Contents.EMPTY
      for (const changes of all) {
        const before = contents.digest()
        const next = contents.with(new Map(changes))
        expect(contents.digest(), 'a plan that does not happen changes nothing').toEqual(before)
        contents = next
        for (const [one, value] of new Map(changes)) {
          if (value === null) there.delete(one)
          else there.set(one, value)
        }
        expect(contents.digest()).toEqual(digestOf(there))
        expect(contents.count).toBe(there.size)
        expect(contents.bytes).toBe([...there.values()].reduce((sum, { size }) => sum + size, 0))
      }
    }),
    { numRuns },
  )
})

test('the digest of a store is the one that it had before', () => {
  const contents = Contents.EMPTY.with(
    new Map([
      ['state\0format', { version: 3, size: 1 }],
      ['artifact\0ab', { version: 2, size: 9 }],
    ]),
  )
  expect(Buffer.from(contents.digest()).toString('hex')).toBe(
    '9f128b53ff30e19e1c58df6b92614877cdc85230c20912e4b02878f0c3a05f8f',
  )
})
