import { encodeOnnx, tensorOf } from '@sotto/protocol/onnx'
import {
  buildTrainGraph,
  linearForward,
  mlpForward,
  type TrainGraph,
  type TrainSpec,
} from '@sotto/protocol/train-graph'
import { expect, test } from 'vitest'
import { graphOf } from './forward-graphs.ts'
import { errorOf, openGraph, spread } from './run-graph.ts'

const BATCH = 6
const mlp: TrainSpec = {
  forward: mlpForward({ sizes: [4, 5, 3], activation: 'relu', seed: 7 }),
  trainable: 'all',
  loss: { kind: 'cross-entropy', output: 'y' },
  microBatch: BATCH,
}
const linear: TrainSpec = {
  forward: linearForward({ features: 4, outputs: 1 }),
  trainable: 'all',
  loss: { kind: 'binary', output: 'y' },
  microBatch: BATCH,
}
const x = spread(BATCH * 4)
const classes = [0, 2, 1, 1, 0, 2]
const ones = classes.map(() => 1)

type Feeds = Record<string, readonly number[] | Float32Array>

async function run(graph: TrainGraph, feeds: Feeds, threads?: number): Promise<Record<string, number[]>> {
  const session = await openGraph(graph.model, threads)
  const weights = Object.fromEntries(graph.parameters.map(({ initial }, i) => [`p.${i}`, initial]))
  const found = await session.run({ ...weights, ...feeds })
  await session.close()
  return found
}

/** All gradients as one list. */
const flat = (graph: TrainGraph, found: Record<string, number[]>): number[] =>
  graph.parameters.flatMap((_, i) => found[`g.${i}`]!)

const length = (values: readonly number[]): number => Math.hypot(...values)

test('equal specs give equal bytes, and names of the owner are not among them', () => {
  const [one, two] = [buildTrainGraph({ ...mlp, clip: 1 }), buildTrainGraph({ ...mlp, clip: 1 })]
  expect(encodeOnnx(one.model)).toEqual(encodeOnnx(two.model))
  expect(one.digest).toBe(two.digest)
  expect(new TextDecoder().decode(encodeOnnx(one.model))).not.toMatch(/w0|b1|recipe/)
  expect(one.digest).not.toBe(buildTrainGraph({ ...mlp, clip: 2 }).digest)
})

test('inputs and outputs are in the order that is promised', () => {
  const { model } = buildTrainGraph({ ...mlp, clip: 1 })
  expect(model.inputs.map(({ name, dims }) => `${name} ${dims?.join()}`)).toEqual([
    'p.0 4,5',
    'p.1 5',
    'p.2 5,3',
    'p.3 3',
    'x.0 6,4',
    'target 6',
    'example_weight 6',
  ])
  expect(model.outputs.map(({ name }) => name)).toEqual(['g.0', 'g.1', 'g.2', 'g.3', 'losses', 'norms'])
})

test('a frozen weight gets no gradient and stays a constant', () => {
  const graph = buildTrainGraph({ ...mlp, trainable: ['w1'] })
  expect(graph.parameters.map(({ name }) => name)).toEqual(['w1'])
  expect(graph.model.initializers.map(({ dims }) => dims.join())).toEqual(
    expect.arrayContaining(['4,5', '5', '3']),
  )
})

test.each([
  ['mlp', mlp, classes],
  ['linear', linear, [1, 0, 0, 1, 1, 0]],
])('%s: each example is clipped by itself, and what is left adds up', async (_, spec, target) => {
  const clip = 0.4
  const single = buildTrainGraph({ ...spec, microBatch: 1 })
  const sum: number[] = flat(
    single,
    await run(single, { 'x.0': x.slice(0, 4), target: [target[0]!], example_weight: [0] }),
  )
  const norms: number[] = []
  for (let i = 0; i < BATCH; i++) {
    const found = await run(single, {
      'x.0': x.slice(4 * i, 4 * i + 4),
      target: [target[i]!],
      example_weight: [1],
    })
    const gradient = flat(single, found)
    norms.push(length(gradient))
    const limit = clip * (1 - 2 ** -10)
    for (const [k, value] of gradient.entries()) sum[k]! += (value * limit) / Math.max(limit, norms[i]!)
  }
  expect(norms.some((norm) => norm > clip)).toBe(true)
  const graph = buildTrainGraph({ ...spec, clip })
  const found = await run(graph, { 'x.0': x, target, example_weight: ones })
  expect(errorOf(found['norms']!, norms)).toBeLessThan(1e-6)
  expect(errorOf(flat(graph, found), sum)).toBeLessThan(2e-6)
})

const classifier: TrainSpec = { ...mlp, forward: linearForward({ features: 4, outputs: 3 }) }

test.each([
  ['a perceptron', mlp],
  ['a linear model', classifier],
])('no example of %s moves the sum by more than the clip, however large it is', async (_, model) => {
  const clip = 0.5
  for (const hasFiniteData of [false, true]) {
    const graph = buildTrainGraph({ ...model, clip, hasFiniteData })
    const without = flat(
      graph,
      await run(graph, { 'x.0': x, target: classes, example_weight: [0, 1, 1, 1, 1, 1] }),
    )
    const scales = [1e-30, 1e-3, 1, 1e3, 1e9, 1e18, 1e25, 3e38]
    for (const scale of hasFiniteData ? scales : [...scales, Infinity, NaN]) {
      const data = x.map((value, i) => (i < 4 ? Math.fround((value < 0 ? -1 : 1) * scale) : value))
      const found = flat(graph, await run(graph, { 'x.0': data, target: classes, example_weight: ones }))
      expect(found.every(Number.isFinite)).toBe(true)
      expect(length(found.map((value, i) => value - without[i]!))).toBeLessThanOrEqual(clip)
    }
  }
})

test.each([
  ['a perceptron', mlp],
  ['a linear model of three outputs', classifier],
  ['a linear model of one', linear],
])('of 65536 examples of %s none moves the sum by more than the clip', async (_, model) => {
  const [clip, microBatch] = [0.01, 2 ** 16]
  const graph = buildTrainGraph({ ...model, clip, microBatch, hasFiniteData: true })
  // All go the same way, so that the sum is as large as it can be, and its rounding too.
  const data = Array.from({ length: microBatch }, () => x.slice(0, 4)).flat()
  const target = Array.from({ length: microBatch }, () => 0)
  const weights = target.map(() => 1)
  const sums: number[][] = []
  for (const example_weight of [weights, weights.with(700, 0)])
    sums.push(flat(graph, await run(graph, { 'x.0': data, target, example_weight })))
  expect(length(sums[0]!) / (microBatch * clip * (1 - 2 ** -10))).toBeCloseTo(1, 5)
  const moved = length(sums[0]!.map((value, i) => value - sums[1]![i]!))
  expect(moved).toBeLessThanOrEqual(clip)
  expect(moved).toBeGreaterThan(clip * 0.99)
  const feeds = { 'x.0': data, target, example_weight: weights }
  expect(await run(graph, feeds, 4)).toEqual(await run(graph, feeds, 1))
})

test('data that are finite are guarded by fewer nodes, and give the same sums', async () => {
  for (const model of [mlp, classifier]) {
    const [guarded, bare] = [false, true].map((hasFiniteData) =>
      buildTrainGraph({ ...model, clip: 0.3, hasFiniteData }),
    )
    expect(bare!.model.nodes.length).toBeLessThan(guarded!.model.nodes.length)
    const feeds = { 'x.0': x, target: classes, example_weight: ones }
    const [one, two] = [await run(guarded!, feeds), await run(bare!, feeds)]
    expect(errorOf(flat(bare!, two), flat(guarded!, one))).toBeLessThan(1e-6)
  }
})

test('an example that is not finite counts as nothing, the others as ever', async () => {
  const graph = buildTrainGraph({ ...mlp, clip: 1 })
  const without = await run(graph, { 'x.0': x, target: classes, example_weight: [0, 1, 1, 1, 1, 1] })
  const found = await run(graph, { 'x.0': x.with(2, NaN), target: classes, example_weight: ones })
  expect(flat(graph, found)).toEqual(flat(graph, without))
  expect(found['norms']![0]).toBeNaN()
})

test('examples of weight 0 count as nothing', async () => {
  const weights = [1, 1, 1, 1, 0, 0]
  const data = { target: classes, example_weight: weights }
  for (const spec of [mlp, { ...mlp, clip: 0.3 }]) {
    const graph = buildTrainGraph(spec)
    const one = await run(graph, { ...data, 'x.0': x })
    const two = await run(graph, { ...data, 'x.0': x.map((value, i) => (i < 16 ? value : 9)) })
    expect(flat(graph, two)).toEqual(flat(graph, one))
  }
})

test('the same bits come out on one thread and on four', async () => {
  const graph = buildTrainGraph({ ...mlp, clip: 0.3 })
  const feeds = { 'x.0': x, target: classes, example_weight: ones }
  expect(await run(graph, feeds, 4)).toEqual(await run(graph, feeds, 1))
})

test('a window larger than what shares are counted for is refused, at once', () => {
  const forward = graphOf({
    x: [1, 2],
    weights: { w: [] },
    nodes: [['Mul(x, w) -> m'], ['AveragePool(m) -> y', { kernel_shape: [2 ** 30], pads: [2 ** 30, 0] }]],
  })
  const spec: TrainSpec = { forward, trainable: ['w'], loss: { kind: 'squared', output: 'y' }, microBatch: 1 }
  expect(() => buildTrainGraph(spec)).toThrow(expect.objectContaining({ code: 'GRAPH_NO_RULE' }))
})

test('a weight that two nodes use becomes two, unless it is said to be one', () => {
  const forward = mlpForward({ sizes: [3, 3, 3], activation: 'tanh', seed: 1 })
  const shared = {
    ...forward,
    nodes: forward.nodes.map((node) => ({
      ...node,
      inputs: node.inputs.map((name) => (name === 'w1' ? 'w0' : name)),
    })),
    initializers: forward.initializers.filter(({ name }) => name !== 'w1'),
  }
  const spec = { ...mlp, forward: shared }
  expect(buildTrainGraph(spec).parameters.map(({ name }) => name)).toEqual(['w0', 'b0', 'b1', 'w0#2'])
  const tied = buildTrainGraph({ ...spec, isTied: true })
  expect(tied.parameters.map(({ name }) => name)).toEqual(['w0', 'b0', 'b1'])
  // With a clip the owner must say which: one weight of two uses has no norm here.
  for (const more of [{}, { isTied: true }])
    expect(() => buildTrainGraph({ ...spec, ...more, clip: 1 })).toThrow(
      expect.objectContaining({ code: 'GRAPH_PRIVACY' }),
    )
  expect(buildTrainGraph({ ...spec, clip: 1, isTied: false }).parameters).toHaveLength(4)
})

const refused: [what: string, spec: TrainSpec, code: string][] = [
  ['a weight that is not there', { ...mlp, trainable: ['w9'] }, 'GRAPH_TARGET'],
  ['a weight named twice', { ...mlp, trainable: ['w0', 'w0'] }, 'GRAPH_TARGET'],
  ['nothing to train', { ...mlp, trainable: [] }, 'GRAPH_TARGET'],
  ['an output that is not there', { ...mlp, loss: { kind: 'squared', output: 'z' } }, 'GRAPH_LOSS'],
  ['a binary loss of three outputs', { ...mlp, loss: { kind: 'binary', output: 'y' } }, 'GRAPH_LOSS'],
  ['a causal loss of one step', { ...mlp, loss: { kind: 'causal', output: 'y' } }, 'GRAPH_LOSS'],
  ['no example', { ...mlp, microBatch: 0 }, 'GRAPH_SHAPE'],
  ['more examples than a run takes', { ...mlp, microBatch: 2 ** 21 }, 'GRAPH_SHAPE'],
  ['a clip of 0', { ...mlp, clip: 0 }, 'GRAPH_PRIVACY'],
  ['a clip below what norms are exact for', { ...mlp, clip: 1e-10 }, 'GRAPH_PRIVACY'],
  ['a clip that is no number', { ...mlp, clip: NaN }, 'GRAPH_PRIVACY'],
  [
    'a matrix of another shape',
    {
      ...mlp,
      forward: {
        ...mlp.forward,
        initializers: [
          tensorOf('w0', 'float32', [3, 5], new Float32Array(15)),
          ...mlp.forward.initializers.slice(1),
        ],
      },
    },
    'GRAPH_SHAPE',
  ],
]

test.each(refused)('refuses %s', (_, spec, code) => {
  expect(() => buildTrainGraph(spec)).toThrow(expect.objectContaining({ code }))
})
