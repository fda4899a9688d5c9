import { type OnnxModel, tensorOf } from '@sotto/protocol/onnx'
import { buildTrainGraph, findPrivacyBreaks, type TrainSpec } from '@sotto/protocol/train-graph'
import { expect, test } from 'vitest'
import { type GraphWords, graphOf, ints } from './forward-graphs.ts'
import { openGraph, spread } from './run-graph.ts'

const specOf = (words: GraphWords, more: Partial<TrainSpec> = {}): TrainSpec => ({
  forward: graphOf(words),
  trainable: Object.keys(words.weights ?? {}),
  loss: { kind: 'squared', output: 'y' },
  microBatch: 4,
  clip: 1,
  ...more,
})

const floats = (name: string, dims: number[], value: number): ReturnType<typeof tensorOf> =>
  tensorOf(
    name,
    'float32',
    dims,
    Array.from({ length: dims.reduce((a, b) => a * b, 1) }, () => value),
  )

const breaking: [rule: string, what: string, words: GraphWords][] = [
  [
    'batch-norm',
    'a BatchNormalization',
    {
      x: [3, 2],
      weights: { w: [3], b: [3] },
      constants: [floats('m', [3], 0), floats('v', [3], 1)],
      nodes: [['BatchNormalization(x, w, b, m, v) -> y']],
    },
  ],
  [
    'mixes-examples',
    'a mean over examples',
    {
      x: [3],
      weights: { w: [3] },
      constants: [ints('axes', [0])],
      nodes: [['ReduceMean(x, axes) -> m'], ['Sub(x, m) -> c'], ['Mul(c, w) -> y']],
    },
  ],
  [
    'mixes-examples',
    'attention between examples',
    {
      x: [4],
      weights: { w: [4] },
      nodes: [
        ['Mul(x, w) -> a'],
        ['Transpose(a) -> t'],
        ['MatMul(a, t) -> s'],
        ['Softmax(s) -> p'],
        ['MatMul(p, x) -> y'],
      ],
    },
  ],
  [
    'mixes-examples',
    'a softmax over examples',
    { x: [3], weights: { w: [3] }, nodes: [['Mul(x, w) -> a'], ['Softmax(a) -> y', { axis: 0 }]] },
  ],
  [
    'mixes-examples',
    'a sum along examples',
    {
      x: [3],
      weights: { w: [3] },
      constants: [ints('axis', [0], [])],
      nodes: [['Mul(x, w) -> a'], ['CumSum(a, axis) -> y']],
    },
  ],
  [
    'mixes-examples',
    'examples moved by one',
    {
      x: [3],
      weights: { w: [3] },
      constants: [ints('a', [1]), ints('b', [4]), ints('c', [0]), ints('d', [1]), ints('axis', [0])],
      nodes: [
        ['Slice(x, a, b, axis) -> s'],
        ['Slice(x, c, d, axis) -> e'],
        ['Concat(s, e) -> m', { axis: 0 }],
        ['Mul(m, w) -> y'],
      ],
    },
  ],
  [
    'mixes-examples',
    'a reshape that makes features of examples',
    {
      x: [2],
      weights: { w: [4] },
      constants: [ints('s', [2, 4]), ints('t', [4, 2])],
      nodes: [['Reshape(x, s) -> a'], ['Mul(a, w) -> m'], ['Transpose(m) -> y']],
    },
  ],
  [
    'unknown-batch-axis',
    'an operator of which nothing is known',
    { x: [3], weights: { w: [3] }, nodes: [['Mul(x, w) -> a'], ['Trilu(a) -> y']] },
  ],
  [
    'double-use',
    'a weight of two layers',
    {
      x: [3],
      weights: { w: [3, 3] },
      nodes: [['MatMul(x, w) -> a'], ['Tanh(a) -> b'], ['MatMul(b, w) -> y']],
    },
  ],
  [
    'double-use',
    'a weight and its transpose',
    {
      x: [3],
      weights: { w: [3, 3] },
      nodes: [['MatMul(x, w) -> a'], ['Transpose(w) -> t'], ['MatMul(a, t) -> y']],
    },
  ],
  [
    'weight-use',
    'a weight on the left',
    { x: [3, 2], weights: { w: [2, 3] }, nodes: [['MatMul(w, x) -> y']] },
  ],
  [
    'weight-use',
    'a weight that is scaled first',
    { x: [3], weights: { w: [3, 3] }, nodes: [['Tanh(w) -> t'], ['MatMul(x, t) -> y']] },
  ],
  [
    'weight-use',
    'rows of a weight more than once, turned',
    {
      x: [3, 2],
      weights: { w: [4, 3] },
      constants: [ints('at', [1, 1])],
      nodes: [['Gather(w, at) -> p'], ['Transpose(p) -> t'], ['Add(x, t) -> y']],
    },
  ],
]

test.each(breaking)('%s: refuses %s', (rule, _, words) => {
  const found = findPrivacyBreaks(specOf(words))
  expect(found.map((one) => one.rule)).toContain(rule)
  expect(found.every(({ node, words }) => node.length > 3 && words.length > 3)).toBe(true)
  expect(() => buildTrainGraph(specOf(words))).toThrow(expect.objectContaining({ code: 'GRAPH_PRIVACY' }))
})

test('tied: refuses two weights that hold the same numbers, one turned', () => {
  const values = spread(6)
  const turned = [0, 2, 4, 1, 3, 5].map((i) => values[i]!)
  const words = { x: [3], weights: {}, nodes: [['MatMul(x, w) -> a'], ['MatMul(a, v) -> y']] } as const
  const forward = {
    ...graphOf(words),
    initializers: [tensorOf('w', 'float32', [3, 2], values), tensorOf('v', 'float32', [2, 3], turned)],
  }
  const spec = specOf(words, { forward, trainable: 'all' })
  expect(findPrivacyBreaks(spec)).toEqual([
    { rule: 'tied', node: 'w, v', words: expect.any(String) as string },
  ])
  // Where one of them is frozen, nothing is tied.
  expect(findPrivacyBreaks({ ...spec, trainable: ['v'] })).toEqual([])
})

test('finds all breaks at once', () => {
  const words: GraphWords = {
    x: [3],
    weights: { w: [3, 3], v: [3] },
    nodes: [
      ['MatMul(x, w) -> a'],
      ['MatMul(a, w) -> b'],
      ['Mul(b, v) -> c'],
      ['Mul(c, v) -> d'],
      ['Softmax(d) -> y', { axis: 0 }],
    ],
  }
  expect(findPrivacyBreaks(specOf(words)).map(({ rule }) => rule)).toEqual([
    'mixes-examples',
    'double-use',
    'double-use',
  ])
})

const random: [op: string, words: GraphWords][] = [
  [
    'RandomNormalLike',
    { x: [3], weights: { w: [3] }, nodes: [['RandomNormalLike(x) -> n'], ['Mul(n, w) -> y']] },
  ],
  ['Bernoulli', { x: [3], weights: { w: [3] }, nodes: [['Bernoulli(x) -> n'], ['Mul(n, w) -> y']] }],
  [
    'Dropout in training mode',
    {
      x: [3],
      weights: { w: [3] },
      constants: [tensorOf('r', 'float32', [], [0.5]), tensorOf('t', 'bool', [], [1])],
      nodes: [['Dropout(x, r, t) -> d'], ['Mul(d, w) -> y']],
    },
  ],
  ['If', { x: [3], weights: { w: [3] }, nodes: [['If(x) -> y']] }],
  ['Loop', { x: [3], weights: { w: [3] }, nodes: [['Loop(_, _, x) -> y']] }],
  [
    'an operator without a rule',
    { x: [3], weights: { w: [3] }, nodes: [['Mul(x, w) -> a'], ['Floor(a) -> y']] },
  ],
]

test.each(random)('refuses %s with and without privacy, naming the node', (_, words) => {
  const wanted = expect.objectContaining({
    code: 'GRAPH_NO_RULE',
    found: expect.stringContaining('(') as string,
  }) as Error
  for (const clip of [undefined, 1])
    expect(() =>
      buildTrainGraph({
        ...specOf(words, { microBatch: 2 }),
        ...(clip ? { clip } : { clip: undefined as never }),
      }),
    ).toThrow(wanted)
})

test('a graph from which the clip is taken moves by more than it: the check that others rest on can fail', async () => {
  const words: GraphWords = { x: [3], weights: { w: [3, 2] }, nodes: [['MatMul(x, w) -> y']] }
  const graph = buildTrainGraph(specOf(words, { clip: 0.25 }))
  const limit = Math.fround(0.25 * (1 - 2 ** -10))
  const unclipped: OnnxModel = {
    ...graph.model,
    initializers: graph.model.initializers.map((tensor) =>
      new Float32Array(tensor.data.slice().buffer)[0] === limit
        ? tensorOf(tensor.name, 'float32', [], [1e9])
        : tensor,
    ),
  }
  const moved = async (model: OnnxModel): Promise<number> => {
    const session = await openGraph(model)
    const run = async (weight: number): Promise<number[]> => {
      const feeds = {
        'p.0': graph.parameters[0]!.initial,
        'x.0': spread(12),
        target: spread(8, 2),
        example_weight: [weight, 1, 1, 1],
      }
      return (await session.run(feeds))['g.0']!
    }
    const [without, found] = [await run(0), await run(1)]
    await session.close()
    return Math.hypot(...found.map((value, i) => value - without[i]!))
  }
  expect(await moved(graph.model)).toBeLessThanOrEqual(0.25)
  expect(await moved(unclipped)).toBeGreaterThan(0.25)
})
