import { linearForward, mlpForward, type TrainSpec } from '@sotto/protocol/train-graph'
import { describe, expect, it } from 'vitest'
import {
  buildGraphs,
  Chance,
  clipWithin,
  createTrainer,
  encodePart,
  microBatchFor,
  openScore,
  openStep,
  readFor,
  type StepGraph,
  type Trainer,
  type TrainSettings,
} from '../../src/train/index.ts'
import { scoreGraph, stepGraph } from './perceptron.ts'
import { MADE_UP, MADE_UP_WIDTH, madeUp } from './tables.ts'

const chance = new Chance(new Uint8Array(32).fill(4))
const LAYERS = [6, 4, 3]
const SETTINGS: TrainSettings = {
  steps: 1,
  expectedBatch: 4,
  optimiser: { kind: 'sgd', momentum: 0, weightDecay: 0 },
  schedule: { kind: 'constant', rate: 1, warmupSteps: 0, floor: 0 },
  privacy: { sampleRateNanos: 1_000_000_000, noise: 1, clip: 0.5, maxRowsPerUnit: 1, kind: 'gaussian' },
}
const within = clipWithin({ clip: 0.5, noise: 1, parameters: 43, maxRowsPerUnit: 1 })!

async function open(graph: StepGraph, settings = SETTINGS): Promise<Trainer> {
  const session = await openStep(graph)
  return createTrainer({ session, parts: [], places: [], totalRows: 0, chance, settings })
}

describe('a graph', () => {
  const graphOf = (over: { clip?: number; isUnclipped?: boolean }): StepGraph =>
    stepGraph({ layers: LAYERS, microBatch: 4, ...over }, chance)

  it('that clips every example is taken', async () => {
    await expect(open(graphOf({ clip: within }))).resolves.toBeDefined()
  })

  it.each([
    ['does not clip, though it says so', { clip: within, isUnclipped: true }],
    ['does not clip', {}],
    ['has a clip that leaves no room for rounding', { clip: 0.5 }],
  ])('that %s trains nothing under a guarantee', async (_, over) => {
    await expect(open(graphOf(over))).rejects.toMatchObject({ code: 'ROOM_TRAIN_PRIVACY' })
    const { privacy: _privacy, ...without } = SETTINGS
    await expect(open(graphOf(over), without)).resolves.toBeDefined()
  })

  it('of many parameters has no exact noise', async () => {
    const privacy = { ...SETTINGS.privacy!, kind: 'discrete' } as const
    const parameters = 1001 * 10
    const clip = clipWithin({ ...privacy, parameters })!
    const graph = stepGraph({ layers: [1000, 10], microBatch: 4, clip })
    await expect(open(graph, { ...SETTINGS, privacy })).rejects.toMatchObject({
      code: 'ROOM_TRAIN_PRIVACY',
      expected: 'at most 10000 parameters',
    })
  })

  it.each([
    ['is no model', { model: Uint8Array.of(1, 2, 3) }],
    ['has another input', { data: { name: 'pixels', width: 6 } }],
    ['has another output', { losses: 'costs' }],
  ])('that %s is refused by name', async (_, over) => {
    await expect(openStep({ ...graphOf({}), ...over })).rejects.toMatchObject({ code: 'ROOM_TRAIN_GRAPH' })
  })
})

describe('graphs that are built', () => {
  const part = encodePart(readFor(madeUp('t', 21, 6), MADE_UP), MADE_UP)
  const rows = Uint32Array.from({ length: 21 }, (_, row) => row)
  const spec = (sizes: readonly number[], clip?: number): TrainSpec => ({
    forward: mlpForward({ sizes, activation: 'relu', seed: 3 }),
    trainable: 'all',
    loss: { kind: sizes.at(-1) === 1 ? 'binary' : 'cross-entropy', output: 'y' },
    microBatch: 8,
    ...(clip !== undefined && { clip }),
  })

  it.each([
    ['of logistic regression', [MADE_UP_WIDTH, 1], undefined],
    ['of logistic regression, clipped', [MADE_UP_WIDTH, 1], 0.2],
    ['of a perceptron', [MADE_UP_WIDTH, 5, 2], undefined],
    ['of a perceptron, clipped', [MADE_UP_WIDTH, 5, 2], 0.2],
  ])('%s give the gradients and scores of those that are written by hand', async (_, layers, clip) => {
    const built = buildGraphs(spec(layers, clip), 2)
    const { parameters } = built.step
    // The builder leaves a part of 1024 for its own rounding.
    const shape = { layers, microBatch: 8, ...(clip !== undefined && { clip: clip * (1 - 2 ** -10) }) }
    const values = parameters.map(({ initial }) => initial.slice())
    const sums: Float64Array[][] = []
    const losses: number[] = []
    for (const graph of [built.step, stepGraph(shape)]) {
      const session = await openStep(graph)
      const into = values.map(({ length }) => new Float64Array(length))
      losses.push(await session.sum(values, part, rows, into))
      sums.push(into)
    }
    expect(losses[0]).toBeCloseTo(losses[1]!, 4)
    for (const [at, sum] of sums[0]!.entries())
      for (const [index, value] of sum.entries()) expect(value).toBeCloseTo(sums[1]![at]![index]!, 5)
    const scores: Float32Array[] = []
    for (const graph of [built.score, scoreGraph(shape)]) {
      const session = await openScore(graph)
      scores.push(await session.score(values, part))
    }
    for (const [at, value] of scores[0]!.entries()) expect(value).toBeCloseTo(scores[1]![at]!, 5)
  })

  it('of numbers are those of linear regression', async () => {
    const forward = linearForward({ features: MADE_UP_WIDTH, outputs: 1 })
    const loss = { kind: 'squared', output: 'y' } as const
    const { step } = buildGraphs({ forward, trainable: 'all', loss, microBatch: 8 }, 0)
    const session = await openStep(step)
    const into = step.parameters.map(({ initial }) => new Float64Array(initial.length))
    // Of zeros the loss is the square of the label, and the gradient of the last weight, -2 of it.
    const sum = part.labels.reduce((total, label) => total + label, 0)
    expect(
      await session.sum(
        step.parameters.map(({ initial }) => initial),
        part,
        rows,
        into,
      ),
    ).toBeCloseTo(sum, 5)
    expect(into.at(-1)![0]).toBeCloseTo(-2 * sum, 4)
  })

  it('read the places that the features have', async () => {
    const { step } = buildGraphs(spec([4, 1]), 2)
    const session = await openStep(step)
    const into = step.parameters.map(({ initial }) => new Float64Array(initial.length))
    const values = step.parameters.map(({ initial }) => initial)
    await expect(session.sum(values, part, rows, into)).rejects.toMatchObject({ code: 'ROOM_TRAIN_GRAPH' })
  })
})

describe('rows that a graph takes at once', () => {
  it.each([
    [1, false, 1],
    [1024, false, 1024],
    [100_000, false, 4096],
    [1, true, 5],
    [100, true, 140],
    [256, true, 320],
    [1024, true, 1152],
    [16_384, true, 2048],
  ])('are for steps of %s (by chance: %s) %s', (batch, isSampled, expected) => {
    expect(microBatchFor(batch, isSampled)).toBe(expected)
  })
})
