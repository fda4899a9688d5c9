import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { allocateKeyIds, countFreeKeyIds, NO_KEY_IDS } from '../../src/keys/key-ids.ts'
import { isRotationDue, lifetimeFrom } from '../../src/keys/lifetime.ts'

const numRuns = process.env['SLOW'] === '1' ? 500 : 25

test('identifiers wrap around, the longest unused first', () => {
  let allocation = NO_KEY_IDS
  for (let n = 0; n < 300; n++) {
    const taken = allocateKeyIds(allocation, 2, n * 10, n * 10 + 5)
    expect(taken.ids).toEqual([(2 * n) % 256, (2 * n + 1) % 256])
    allocation = taken.allocation
  }
})

test('an identifier that may be live is never given out again: exhaustion refuses', () => {
  const { allocation } = allocateKeyIds(NO_KEY_IDS, 256, 0, 100)
  expect(countFreeKeyIds(allocation, 100)).toBe(0)
  expect(() => allocateKeyIds(allocation, 1, 100, 200)).toThrowError(
    expect.objectContaining({ code: 'KMS_KEY_IDS_EXHAUSTED', action: 'retry' }),
  )
  expect(countFreeKeyIds(allocation, 101)).toBe(256)
  expect(allocateKeyIds(allocation, 1, 101, 200).ids).toEqual([0])
})

test('no two holders of one identifier ever overlap', () => {
  const step = fc.record({
    wait: fc.nat(50),
    count: fc.integer({ min: 1, max: 40 }),
    life: fc.integer({ min: 1, max: 200 }),
  })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      let now = 0
      let allocation = NO_KEY_IDS
      const liveUntil = new Map<number, number>()
      for (const { wait, count, life } of steps) {
        now += wait
        try {
          const taken = allocateKeyIds(allocation, count, now, now + life)
          allocation = taken.allocation
          expect(new Set(taken.ids).size).toBe(count)
          for (const id of taken.ids) {
            expect(liveUntil.get(id) ?? -1).toBeLessThan(now)
            liveUntil.set(id, now + life)
          }
        } catch (error) {
          if (!(error instanceof Error && 'code' in error && error.code === 'KMS_KEY_IDS_EXHAUSTED'))
            throw error
          expect(countFreeKeyIds(allocation, now)).toBeLessThan(count)
        }
      }
    }),
    { numRuns },
  )
})

test('a key lives no longer than asked, then through its grace, and the next one overlaps', () => {
  const timing = { rotationSeconds: 86400, overlapSeconds: 3600, graceSeconds: 600 }
  const key = lifetimeFrom(1_000_000, timing)
  expect(key).toEqual({
    notBefore: 999_940,
    notAfter: 1_086_340,
    destroyAt: 1_086_940,
    idBusyUntil: 1_090_540,
  })
  expect(isRotationDue([key], 1_086_340 - 3601, timing)).toBe(false)
  expect(isRotationDue([key], 1_086_340 - 3600, timing)).toBe(true)
  expect(isRotationDue([], 0, timing)).toBe(true)
})
