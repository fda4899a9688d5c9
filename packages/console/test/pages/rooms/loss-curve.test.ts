import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type LossCurve, MAX_POINTS, placesOf, withLoss } from '../../../src/pages/rooms/loss-curve.ts'

const said = (done: number, lossMicros?: number, of = 1000, transform = 'fraud') => ({
  progress: { transform, done, of, ...(lossMicros !== undefined && { lossMicros }) },
})
const seen = (...all: ReturnType<typeof said>[]): LossCurve | undefined =>
  all.reduce<LossCurve | undefined>(withLoss, undefined)

describe('the loss that a page has seen', () => {
  it('grows by what the room says of later steps, and by nothing else', () => {
    expect(withLoss(undefined, {})).toBeUndefined()
    expect(seen(said(3))).toBeUndefined()
    const curve = seen(
      said(1, 700),
      said(1, 1),
      said(5, 400),
      said(4, 1),
      said(9),
      said(1001, 1),
      said(8, 450),
    )
    expect(curve).toEqual({
      transform: 'fraud',
      points: [
        { step: 1, lossMicros: 700 },
        { step: 5, lossMicros: 400 },
        { step: 8, lossMicros: 450 },
      ],
      lowest: { step: 5, lossMicros: 400 },
    })
  })

  it('is that of one training: the next one begins anew', () => {
    const curve = seen(said(900, 1), said(2, 5, 10, 'other'))
    expect(curve).toMatchObject({ transform: 'other', points: [{ step: 2, lossMicros: 5 }] })
    expect(curve!.lowest.lossMicros).toBe(5)
  })

  it('keeps the first, the last and the lowest, and no more points than it may', () => {
    fc.assert(
      fc.property(fc.array(fc.maxSafeInteger(), { minLength: 1, maxLength: 5 * MAX_POINTS }), (losses) => {
        const curve = seen(...losses.map((loss, at) => said(at, loss, losses.length)))!
        expect(curve.points.length).toBeLessThanOrEqual(MAX_POINTS)
        expect(curve.points[0]).toEqual({ step: 0, lossMicros: losses[0] })
        expect(curve.points.at(-1)).toEqual({ step: losses.length - 1, lossMicros: losses.at(-1) })
        expect(curve.lowest.lossMicros).toBe(Math.min(...losses))
        for (const { step, lossMicros } of curve.points) expect(lossMicros).toBe(losses[step])
      }),
      { numRuns: 25 },
    )
  })
})

describe('the plot of it', () => {
  it('has the first step at the left, the last at the right, and the lowest loss at the bottom', () => {
    expect(placesOf(seen(said(100, 900), said(550, 300), said(1000, 600))!)).toEqual([
      { x: 0, y: 0 },
      { x: 0.5, y: 1 },
      { x: 1, y: 0.5 },
    ])
  })

  it('stays inside whatever a room says', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.maxSafeNat(), fc.maxSafeInteger(), fc.maxSafeNat()), {
          minLength: 1,
          maxLength: 50,
        }),
        (all) => {
          const curve = seen(...all.map(([done, loss, of]) => said(done, loss, of)))
          if (curve === undefined) return
          for (const place of placesOf(curve).flatMap(({ x, y }) => [x, y])) {
            expect(place).toBeGreaterThanOrEqual(0)
            expect(place).toBeLessThanOrEqual(1)
          }
        },
      ),
    )
  })
})
