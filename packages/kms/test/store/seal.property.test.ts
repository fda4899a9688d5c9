import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { createSealer, type Place } from '../../src/store/seal.ts'

const numRuns = process.env['SLOW'] === '1' ? 500 : 25
const sealer = createSealer(new Uint8Array(32).fill(1))
const bytes = fc.uint8Array({ maxLength: 200 })
const place: fc.Arbitrary<Place> = fc.record({
  storeId: fc.uint8Array({ minLength: 16, maxLength: 16 }),
  table: fc.string({ unit: 'grapheme-ascii', maxLength: 8 }),
  key: fc.string({ unit: 'grapheme-ascii', maxLength: 8 }),
  version: fc.nat(),
})

test('what was sealed opens at its place, and a flipped bit does not', () => {
  fc.assert(
    fc.property(place, bytes, fc.nat(), (where, value, at) => {
      const sealed = sealer.seal(where, value)
      expect(sealer.open(where, sealed)).toEqual(value)
      const index = at % sealed.length
      const flipped = sealed.with(index, sealed[index]! ^ (1 << (at % 8)))
      expect(() => sealer.open(where, flipped)).toThrowError(
        expect.objectContaining({ code: 'CRYPTO_OPEN_FAILED' }),
      )
    }),
    { numRuns },
  )
})

test('no two places share a sealed value, however names and borders move', () => {
  fc.assert(
    fc.property(place, place, bytes, (a, b, value) => {
      fc.pre(JSON.stringify(a) !== JSON.stringify(b))
      expect(() => sealer.open(b, sealer.seal(a, value))).toThrowError(
        expect.objectContaining({ code: 'CRYPTO_OPEN_FAILED' }),
      )
    }),
    { numRuns },
  )
  const sealed = sealer.seal(
    { storeId: new Uint8Array(16), table: 'ab', key: 'c', version: 1 },
    new Uint8Array(4),
  )
  expect(() =>
    sealer.open({ storeId: new Uint8Array(16), table: 'a', key: 'bc', version: 1 }, sealed),
  ).toThrow()
})

test.each([0, 1, 11, 12, 27])('refuses %i bytes', (length) => {
  const where = { storeId: new Uint8Array(16), table: 't', key: 'k', version: 1 }
  expect(() => sealer.open(where, new Uint8Array(length))).toThrow()
})
