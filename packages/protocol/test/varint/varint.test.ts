import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decodeVarint, encodeVarint, MAX_VARINT, PushReader, varintLength } from '@sotto/protocol/varint'
import { concat, fromHex, toHex } from '@sotto/protocol/bytes'

const runs = process.env['SLOW'] === '1' ? 500 : 25

describe('variable-length integers', () => {
  // RFC 9000 Appendix A.1.
  it.each([
    ['c2197c5eff14e88c', 151288809941952652n],
    ['9d7f3e7d', 494878333n],
    ['7bbd', 15293n],
    ['25', 37n],
  ])('reads and writes %s', (hex, value) => {
    expect(decodeVarint(fromHex(hex))).toBe(value)
    expect(toHex(encodeVarint(value))).toBe(hex)
    if (value < 2n ** 53n) expect(toHex(encodeVarint(Number(value)))).toBe(hex)
  })

  it('reads an encoding that is longer than needed (RFC 9000 Appendix A.1)', () => {
    expect(decodeVarint(fromHex('4025'))).toBe(37n)
  })

  it('switches length at the boundaries', () => {
    expect([0, 63, 64, 16383, 16384, 2 ** 30 - 1, 2 ** 30].map(varintLength)).toEqual([1, 1, 2, 2, 4, 4, 8])
  })

  it('refuses bytes that are not one encoding, and values that do not fit', () => {
    for (const hex of ['', '40', '2525', 'c2197c5eff14e8']) expect(decodeVarint(fromHex(hex))).toBeUndefined()
    for (const value of [-1, 1.5, 2 ** 53, -1n, MAX_VARINT + 1n]) {
      expect(() => encodeVarint(value)).toThrow(RangeError)
    }
  })

  it('decodes what it encodes', () => {
    fc.assert(
      fc.property(fc.bigInt(0n, MAX_VARINT), (value) => {
        expect(decodeVarint(encodeVarint(value))).toBe(value)
      }),
      { numRuns: runs },
    )
  })
})

describe('push reader', () => {
  it('gives the same items for every way of cutting the input', () => {
    fc.assert(
      fc.property(
        fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 8 }),
        fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1 }),
        (items, cuts) => {
          const wire = concat(...items.flatMap((item) => [encodeVarint(item.length), item]))
          const reader = new PushReader()
          const found: string[] = []
          let length: number | undefined
          for (let offset = 0, i = 0; offset < wire.length; i++) {
            const piece = wire.subarray(offset, offset + cuts[i % cuts.length]!)
            offset += piece.length
            reader.feed(piece)
            for (;;) {
              length ??= reader.varint()
              if (length === undefined) break
              const item = reader.take(length)
              if (item === undefined) break
              found.push(toHex(item))
              length = undefined
            }
          }
          expect(found).toEqual(items.map(toHex))
          expect(reader.isBetweenItems).toBe(true)
        },
      ),
      { numRuns: runs },
    )
  })

  it('does not allocate for a length that was only announced', () => {
    const reader = new PushReader()
    const before = process.memoryUsage().arrayBuffers
    reader.feed(new Uint8Array(1))
    expect(reader.take(2 ** 40)).toBeUndefined()
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(2 ** 20)
  })

  it('refuses a new piece while the last one is unread, and forgets on clear', () => {
    const reader = new PushReader()
    reader.feed(new Uint8Array(2))
    expect(() => reader.feed(new Uint8Array(1))).toThrow(RangeError)
    reader.clear()
    reader.feed(fromHex('40'))
    expect(reader.varint()).toBeUndefined()
    expect(reader.isBetweenItems).toBe(false)
  })
})
