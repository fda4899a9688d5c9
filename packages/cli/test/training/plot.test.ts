import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { drawLoss, drawSteps, type PlotPoint } from '../../src/training/index.ts'

const falling = (steps: number): PlotPoint[] =>
  Array.from({ length: steps }, (_, step) => ({ step, loss: 1 - step / steps }))

describe('a loss that is drawn', () => {
  it('falls from the upper left to the lower right, between its bounds', () => {
    const lines = drawLoss(falling(100), 100, { columns: 40, rows: 4 })
    expect(lines).toEqual([
      '    1.000 ⠉⠒⠒⠤⠤⣀⣀',
      '                 ⠉⠉⠒⠢⠤⢄⣀⡀',
      '                        ⠈⠉⠑⠒⠢⠤⢄⣀⡀',
      '  0.01000                       ⠈⠉⠑⠒⠢⠤⢄⡀',
      '          0                          100',
    ])
  })

  it('without a slope is one line in the middle', () => {
    const flat = [0, 50, 99].map((step) => ({ step, loss: 2 }))
    const lines = drawLoss(flat, 100, { columns: 40, rows: 3 })
    expect(lines[0]).toBe('    2.000')
    expect(lines[1]!.trim()).not.toBe('')
    expect(lines[2]).toBe('    2.000')
  })

  it('that jumps has no gap', () => {
    const lines = drawLoss(
      [
        { step: 0, loss: 5 },
        { step: 2, loss: 0 },
      ],
      2,
      { columns: 24, rows: 5 },
    )
    const drawn = lines.slice(0, -1).map((line) => line.slice(10).trim())
    expect(drawn.every((line) => line !== '')).toBe(true)
  })

  it('of nobody knows what is nothing', () => {
    expect(drawLoss([], 10, { columns: 80, rows: 10 })).toEqual([])
    expect(drawLoss([{ step: 1 }, { step: 2, loss: NaN }], 10, { columns: 80, rows: 10 })).toEqual([])
  })

  it('fits any terminal, whatever a room says', () => {
    const loss = fc.option(fc.double(), { nil: undefined })
    const point = fc.record({ step: fc.nat(), loss }).map(({ step, loss: of }) => ({
      step,
      ...(of !== undefined && { loss: of }),
    }))
    const size = fc.record({
      columns: fc.integer({ min: -5, max: 500 }),
      rows: fc.integer({ min: -5, max: 90 }),
    })
    fc.assert(
      fc.property(fc.array(point, { maxLength: 60 }), fc.nat(), size, (points, of, { columns, rows }) => {
        const lines = drawLoss(points, of, { columns, rows })
        expect(lines.length).toBeLessThanOrEqual(61)
        for (const line of lines)
          expect(line.length).toBeLessThanOrEqual(Math.max(24, Math.min(200, columns)))
        expect(drawSteps(points[0] ?? { step: 0 }, of).length).toBeLessThan(80)
      }),
    )
  })
})

describe('steps that are drawn', () => {
  it('fill a bar, and have their loss beside them where it is known', () => {
    expect(drawSteps({ step: 50 }, 100)).toBe('[############............] 50 of 100 steps')
    expect(drawSteps({ step: 100, loss: 0.43121 }, 100)).toBe(
      '[########################] 100 of 100 steps, loss 0.4312',
    )
    expect(drawSteps({ step: 0 }, 0)).toBe('[........................] 0 of 0 steps')
  })
})
