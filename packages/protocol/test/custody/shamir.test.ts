import { fromHex, toHex, utf8 } from '@sotto/protocol/bytes'
import { combineShares, splitSecret, type Share } from '@sotto/protocol/custody'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { invert, multiply } from '../../src/custody/field.ts'

const invalid = expect.objectContaining({ code: 'SHARE_INVALID', action: 'fix-input' }) as Error

/** Multiplication as FIPS 197 Section 4.2 defines it: polynomials, then the remainder. */
function byDefinition(a: number, b: number): number {
  let product = 0
  for (let bit = 0; bit < 8; bit++) if ((b >> bit) & 1) product ^= a << bit
  for (let bit = 15; bit >= 8; bit--) if ((product >> bit) & 1) product ^= 0x11b << (bit - 8)
  return product
}

describe('the field', () => {
  it('multiplies all 65536 pairs as the definition does, and every element has its inverse', () => {
    for (let a = 0; a < 256; a++) {
      for (let b = 0; b < 256; b++) if (multiply(a, b) !== byDefinition(a, b)) expect([a, b]).toEqual([])
      expect(multiply(a, invert(a))).toBe(a === 0 ? 0 : 1)
    }
  })

  it('gives the products of FIPS 197 Section 4.2', () => {
    expect(multiply(0x57, 0x83)).toBe(0xc1)
    expect(multiply(0x57, 0x13)).toBe(0xfe)
    expect(invert(0x53)).toBe(0xca)
  })
})

describe('known answers', () => {
  // draft-mcgrew-tss-03, Section 9: secret "test\0", two shares, threshold two.
  const shares: Share[] = [
    { index: 1, value: fromHex('b9fa07e185') },
    { index: 2, value: fromHex('f5409b4511') },
  ]

  it('combines the shares of draft-mcgrew-tss-03', () => {
    expect(toHex(combineShares(shares, 2))).toBe('7465737400')
  })

  it('makes those shares from the coefficients behind them', () => {
    const secret = utf8('test\0')
    const slope = secret.map((byte, n) => byte ^ shares[0]!.value[n]!)
    expect(splitSecret(secret, { threshold: 2, count: 2 }, () => slope.slice())).toEqual(shares)
  })
})

const splits = fc
  .integer({ min: 2, max: 16 })
  .chain((count) => fc.record({ count: fc.constant(count), threshold: fc.integer({ min: 2, max: count }) }))

describe('splitting', () => {
  it('lets any threshold of the shares, in any order, give the secret back', () => {
    const cases = splits.chain((split) =>
      fc.record({
        split: fc.constant(split),
        secret: fc.uint8Array({ minLength: 1, maxLength: 64 }),
        chosen: fc.shuffledSubarray(
          Array.from({ length: split.count }, (_, n) => n),
          { minLength: split.threshold, maxLength: split.threshold },
        ),
      }),
    )
    fc.assert(
      fc.property(cases, ({ split, secret, chosen }) => {
        const shares = splitSecret(secret, split)
        expect(shares.map(({ index }) => index)).toEqual(shares.map((_, n) => n + 1))
        expect(
          combineShares(
            chosen.map((n) => shares[n]!),
            split.threshold,
          ),
        ).toEqual(secret)
      }),
    )
  })

  it('hides the secret: one share less fits each of the 256 candidates exactly once', () => {
    // One byte, so that all polynomials can be tried: for every candidate secret exactly one share at a
    // free index completes what is known, and different candidates need different ones.
    for (const threshold of [2, 3, 5]) {
      const shares = splitSecret(Uint8Array.of(0x5a), { threshold, count: threshold })
      const known = shares.slice(0, threshold - 1)
      const candidates = new Set<number>()
      for (let guess = 0; guess < 256; guess++) {
        const completed = [...known, { index: threshold, value: Uint8Array.of(guess) }]
        candidates.add(combineShares(completed, threshold)[0]!)
      }
      expect(candidates.size).toBe(256)
    }
  })

  it('gives shares of one secret that all values take equally often', () => {
    // All 256 coefficients of a line: every share takes every value once, whatever the secret.
    for (const secret of [0, 1, 0xff]) {
      const values = [new Set<number>(), new Set<number>()]
      for (let slope = 0; slope < 256; slope++)
        splitSecret(Uint8Array.of(secret), { threshold: 2, count: 2 }, () => Uint8Array.of(slope)).forEach(
          ({ value }, n) => values[n]!.add(value[0]!),
        )
      expect(values.map(({ size }) => size)).toEqual([256, 256])
    }
  })

  it('takes fresh randomness for every coefficient of every byte', () => {
    const asked: number[] = []
    splitSecret(new Uint8Array(32), { threshold: 4, count: 5 }, (length) => {
      asked.push(length)
      return new Uint8Array(length).fill(asked.length)
    })
    expect(asked).toEqual([32, 32, 32])
    const [one, two] = [1, 2].map(() => splitSecret(new Uint8Array(32), { threshold: 2, count: 2 }))
    expect(one).not.toEqual(two)
    expect(new Set(one![0]!.value).size, 'bytes of one share of zeros').toBeGreaterThan(8)
  })

  it.each([
    [1, 1],
    [1, 5],
    [0, 2],
    [3, 2],
    [2, 17],
    [2.5, 3],
    [Number.NaN, 3],
    [2, Number.POSITIVE_INFINITY],
  ])('refuses %s of %s', (threshold, count) => {
    expect(() => splitSecret(new Uint8Array(32), { threshold, count })).toThrow(invalid)
  })

  it.each([0, 65])('refuses a secret of %s bytes', (length) => {
    expect(() => splitSecret(new Uint8Array(length), { threshold: 2, count: 2 })).toThrow(invalid)
  })
})

describe('combining refuses', () => {
  const shares = splitSecret(new Uint8Array(32).fill(7), { threshold: 3, count: 5 })
  const [a, b, c, d] = shares as [Share, Share, Share, Share]
  it.each<[string, Share[]]>([
    ['too few shares', [a, b]],
    ['more shares than the threshold', [a, b, c, d]],
    ['an index twice', [a, b, b]],
    ['one share under two indexes that are one', [a, { ...b, index: 1 }, c]],
    ['index 0, which would be the secret itself', [a, b, { ...c, index: 0 }]],
    ['an index past the last', [a, b, { ...c, index: 17 }]],
    ['an index that is no number', [a, b, { ...c, index: Number.NaN }]],
    ['an index that is no whole number', [a, b, { ...c, index: 1.5 }]],
    ['a share of another length', [a, b, { ...c, value: c.value.subarray(1) }]],
    ['empty shares', [a, b, c].map(({ index }) => ({ index, value: new Uint8Array() }))],
  ])('%s', (_, given) => {
    expect(() => combineShares(given, 3)).toThrow(invalid)
  })

  it('a threshold of one', () => {
    expect(() => combineShares([a], 1)).toThrow(invalid)
  })

  it('nothing it cannot see: a wrong share gives another secret', () => {
    expect(combineShares([a, b, { ...c, index: 4 }], 3)).not.toEqual(new Uint8Array(32).fill(7))
  })
})
