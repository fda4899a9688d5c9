import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { DEFAULT_BHTTP_LIMITS } from '../../src/bhttp/index.ts'
import { paddedLength } from '../../src/sizes/index.ts'

const RUNS = process.env['SLOW'] ? 500 : 25

test.each([
  [0, 1024],
  [1, 1024],
  [1024, 1024],
  [1025, 4096],
  [4096, 4096],
  [4097, 16_384],
  [16_385, 65_536],
  [65_536, 65_536],
  [65_537, 67_584],
  [1_000_000, 1_015_808],
  [25 * 2 ** 20 + 1, 25 * 2 ** 20 + 2 ** 19],
  [5 * 2 ** 30 + 1, 5 * 2 ** 30 + 2 ** 20],
])('%i bytes become %i', (length, padded) => {
  expect(paddedLength(length)).toBe(padded)
})

test('a padded length is never shorter, is a bucket itself, and what it adds is accepted everywhere', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 2 ** 40 }), (length) => {
      const padded = paddedLength(length)
      expect(padded).toBeGreaterThanOrEqual(length)
      expect(padded - length).toBeLessThanOrEqual(DEFAULT_BHTTP_LIMITS.maxPaddingBytes)
      expect(paddedLength(padded)).toBe(padded)
    }),
    { numRuns: RUNS },
  )
})

test('above 64 KiB it costs at most 12 %', () => {
  fc.assert(
    fc.property(fc.integer({ min: 65_537, max: 2 ** 40 }), (length) => {
      expect(paddedLength(length)).toBeLessThanOrEqual(length * 1.12)
    }),
    { numRuns: RUNS },
  )
})
