import { describe, expect, it } from 'vitest'
import { createOptimiser, rateAt } from '../../src/train/optimise/index.ts'
import type { OptimiserSettings, ScheduleSettings, TrainSettings } from '../../src/train/settings.ts'
import { requireSettings } from '../../src/train/settings.ts'

/** Weights after two steps with gradients 1 and -2, then 0.5. */
function move(settings: OptimiserSettings): number[] {
  const values = [Float32Array.of(1, -1), Float32Array.of(2)]
  const optimiser = createOptimiser(settings, [2, 1])
  const weights = { values, ranks: [2, 1] }
  optimiser.step(weights, [Float64Array.of(1, -2), Float64Array.of(0.5)], { step: 0, rate: 0.1 })
  optimiser.step(weights, [Float64Array.of(-1, -2), Float64Array.of(0.5)], { step: 1, rate: 0.1 })
  return values.flatMap((one) => [...one])
}

describe('optimisers', () => {
  it('descend with momentum', () => {
    const found = move({ kind: 'sgd', momentum: 0.9, weightDecay: 0 })
    // 1 - 0.1·1 - 0.1·(0.9 - 1); -1 + 0.1·2 + 0.1·3.8; 2 - 0.05 - 0.1·0.95
    for (const [at, value] of [0.91, -0.42, 1.855].entries()) expect(found[at]).toBeCloseTo(value, 6)
  })

  it('let weights of two dimensions decay, and no others', () => {
    const found = move({ kind: 'sgd', momentum: 0, weightDecay: 0.1 })
    const first = 1 - 0.1 * (1 + 0.1)
    expect(found[0]).toBeCloseTo(first - 0.1 * (-1 + 0.1 * first), 6)
    expect(found[2]).toBeCloseTo(1.9, 6)
  })

  it('move as AdamW does', () => {
    // As torch.optim.AdamW(lr=0.1, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.1) computes it, by hand.
    const adam = (start: number, gradients: number[], decay: number): number => {
      let [value, m, v] = [start, 0, 0]
      for (const [step, slope] of gradients.entries()) {
        value *= 1 - 0.1 * decay
        m = 0.9 * m + 0.1 * slope
        v = 0.999 * v + 0.001 * slope * slope
        value -= (0.1 * (m / (1 - 0.9 ** (step + 1)))) / (Math.sqrt(v / (1 - 0.999 ** (step + 1))) + 1e-8)
      }
      return value
    }
    const found = move({ kind: 'adamw', beta1: 0.9, beta2: 0.999, weightDecay: 0.1 })
    expect(found[0]).toBeCloseTo(adam(1, [1, -1], 0.1), 5)
    expect(found[1]).toBeCloseTo(adam(-1, [-2, -2], 0.1), 5)
    expect(found[2]).toBeCloseTo(adam(2, [0.5, 0.5], 0), 5)
  })
})

describe('the rate', () => {
  const base: ScheduleSettings = { kind: 'constant', rate: 1, warmupSteps: 3, floor: 0.2 }
  const all = (kind: ScheduleSettings['kind']): number[] =>
    Array.from({ length: 8 }, (_, step) => rateAt({ ...base, kind }, step, 8))

  it('rises, then stays or falls to its floor', () => {
    expect(all('constant')).toEqual([0.25, 0.5, 0.75, 1, 1, 1, 1, 1])
    expect(all('linear').map((rate) => Math.round(rate * 100))).toEqual([25, 50, 75, 100, 80, 60, 40, 20])
    expect(all('cosine').map((rate) => Math.round(rate * 100))).toEqual([25, 50, 75, 100, 88, 60, 32, 20])
  })

  it('is there for a run of one step', () => {
    expect(rateAt({ ...base, kind: 'cosine', warmupSteps: 0 }, 0, 1)).toBe(1)
  })
})

describe('settings', () => {
  const good: TrainSettings = {
    steps: 10,
    expectedBatch: 5,
    optimiser: { kind: 'sgd', momentum: 0.5, weightDecay: 0 },
    schedule: { kind: 'constant', rate: 0.1, warmupSteps: 0, floor: 0 },
  }
  const privacy = { sampleRateNanos: 5, noise: 1, clip: 1, maxRowsPerUnit: 1, kind: 'gaussian' } as const

  it.each([
    ['no steps', { steps: 0 }, 'ROOM_TRAIN_SETTINGS'],
    ['a part of a step', { steps: 1.5 }, 'ROOM_TRAIN_SETTINGS'],
    ['no batch', { expectedBatch: 0 }, 'ROOM_TRAIN_SETTINGS'],
    ['a rate that is no number', { schedule: { ...good.schedule, rate: NaN } }, 'ROOM_TRAIN_SETTINGS'],
    ['warming up for ever', { schedule: { ...good.schedule, warmupSteps: 10 } }, 'ROOM_TRAIN_SETTINGS'],
    ['a momentum of 1', { optimiser: { kind: 'sgd', momentum: 1, weightDecay: 0 } }, 'ROOM_TRAIN_SETTINGS'],
    ['no patience', { stopEarly: { every: 1, patience: 0, isExactAllowed: true } }, 'ROOM_TRAIN_SETTINGS'],
    ['no noise', { privacy: { ...privacy, noise: 0 } }, 'ROOM_TRAIN_SETTINGS'],
    ['no sample', { privacy: { ...privacy, sampleRateNanos: 0 } }, 'ROOM_TRAIN_SETTINGS'],
    ['exact noise on samples', { privacy: { ...privacy, kind: 'discrete' } }, 'ROOM_TRAIN_PRIVACY'],
  ] as [string, Partial<TrainSettings>, string][])('with %s are refused', (_, over, code) => {
    expect(() => requireSettings(good)).not.toThrow()
    expect(() => requireSettings({ ...good, ...over })).toThrow(expect.objectContaining({ code }))
  })
})
