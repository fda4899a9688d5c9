import { countOf } from '@sotto/protocol/onnx'
import { buildTrainGraph, type TrainGraph, type TrainSpec } from '@sotto/protocol/train-graph'
import { afterAll, expect, test } from 'vitest'
import { type GraphWords, graphOf, ints } from './forward-graphs.ts'
import { errorOf, type Graph, openGraph, spread } from './run-graph.ts'

const BATCH = 3
const errors: string[] = []
afterAll(() => {
  if (process.env['OPS_TABLE']) process.stdout.write(`${errors.join('\n')}\n`)
})

const cases: Record<string, GraphWords> = {
  'Gemm, one row': {
    x: [4],
    weights: { w: [4, 3], b: [3] },
    nodes: [['Gemm(x, w, b) -> y', { alpha: { float: 0.5 }, beta: { float: 2 } }]],
  },
  'Gemm, turned': {
    x: [4],
    weights: { w: [3, 4], b: [1, 3] },
    nodes: [['Gemm(x, w, b) -> y', { transB: 1 }]],
  },
  'Gemm, one term for all': { x: [2], weights: { w: [2, 3], b: [] }, nodes: [['Gemm(x, w, b) -> y']] },
  'MatMul, few rows': { x: [2, 5], weights: { w: [5, 4] }, nodes: [['MatMul(x, w) -> y']] },
  'MatMul, many rows': { x: [7, 2], weights: { w: [2, 3] }, nodes: [['MatMul(x, w) -> y']] },
  'MatMul, rows of two axes': { x: [2, 2, 5], weights: { w: [5, 4] }, nodes: [['MatMul(x, w) -> y']] },
  'MatMul, examples not first': {
    x: [2, 3],
    weights: { w: [3, 4] },
    nodes: [
      ['Transpose(x) -> t', { perm: [1, 0, 2] }],
      ['MatMul(t, w) -> z'],
      ['Transpose(z) -> y', { perm: [1, 2, 0] }],
    ],
  },
  'Gemm, examples and time as one': {
    x: [2, 4],
    weights: { w: [4, 3], b: [3] },
    constants: [ints('in', [-1, 4]), ints('out', [-1, 2, 3])],
    nodes: [['Reshape(x, in) -> f'], ['Gemm(f, w, b) -> z'], ['Reshape(z, out) -> y']],
  },
  'Gemm, turned, many rows as one': {
    x: [6, 2],
    weights: { w: [2, 2] },
    constants: [ints('in', [-1, 2]), ints('out', [-1, 6, 2])],
    nodes: [['Reshape(x, in) -> f'], ['Gemm(f, w) -> z', { transB: 1 }], ['Reshape(z, out) -> y']],
  },
  Add: { x: [2, 3], weights: { w: [3] }, nodes: [['Add(w, x) -> y']] },
  'Add, one entry': { x: [2, 3], weights: { w: [] }, nodes: [['Add(x, w) -> y']] },
  'Sub, right': { x: [2, 3], weights: { w: [2, 1] }, nodes: [['Sub(x, w) -> y']] },
  'Sub, left': { x: [2, 3], weights: { w: [1, 2, 3] }, nodes: [['Sub(w, x) -> y']] },
  'Mul, channels': { x: [2, 3, 2], weights: { w: [2, 1, 1] }, nodes: [['Mul(x, w) -> y']] },
  'Div, right': { x: [4], weights: { w: [4] }, nodes: [['Div(x, w) -> y']] },
  'Div, left': { x: [4], weights: { w: [4] }, nodes: [['Div(w, x) -> y']] },
  LayerNormalization: {
    x: [2, 4],
    weights: { w: [4], b: [4] },
    nodes: [['LayerNormalization(x, w, b) -> y']],
  },
  'LayerNormalization, two axes': {
    x: [2, 4],
    weights: { w: [2, 4], b: [2, 4] },
    nodes: [['LayerNormalization(x, w, b) -> y', { axis: 1 }]],
  },
  InstanceNormalization: {
    x: [2, 4],
    weights: { w: [2], b: [2] },
    nodes: [['InstanceNormalization(x, w, b) -> y']],
  },
  'Conv, line': {
    x: [2, 6],
    weights: { w: [3, 2, 3], b: [3] },
    nodes: [['Conv(x, w, b) -> y', { pads: [1, 0], strides: [2] }]],
  },
  'Conv, plane in groups': {
    x: [4, 4, 5],
    weights: { w: [2, 2, 2, 3], b: [2] },
    nodes: [['Conv(x, w, b) -> y', { group: 2, pads: [1, 0, 0, 1], strides: [2, 1], dilations: [1, 2] }]],
  },
  'Gather, repeated rows': { x: [4], type: 'int64', weights: { w: [3, 2] }, nodes: [['Gather(w, x) -> y']] },
  'Gather, one row': { x: [], type: 'int64', weights: { w: [3, 4] }, nodes: [['Gather(w, x) -> y']] },
  'positions of a table': {
    x: [2, 3],
    weights: { w: [4, 3] },
    constants: [ints('at', [0, 1])],
    nodes: [['Gather(w, at) -> p'], ['Add(x, p) -> y']],
  },
  'rows of a table more than once': {
    x: [4, 3],
    weights: { w: [4, 3] },
    constants: [ints('at', [1, 2, -3, 1], [1, 4])],
    nodes: [['Gather(w, at) -> p'], ['Add(x, p) -> y']],
  },
  'rows of a table for each example': {
    x: [4, 3],
    weights: { w: [4, 3] },
    constants: [ints('at', [1, 2, 1, 1], [1, 4]), ints('one', [1])],
    nodes: [
      ['Shape(x) -> s', { start: 0, end: 2 }],
      ['Expand(at, s) -> all'],
      ['Gather(w, all) -> p'],
      ['Mul(x, p) -> y'],
    ],
  },
  'a turned and cut weight': {
    x: [3],
    weights: { w: [5, 3] },
    constants: [ints('from', [1]), ints('to', [4]), ints('axis', [1])],
    nodes: [
      ['Transpose(w) -> t', { perm: [1, 0] }],
      ['Slice(t, from, to, axis) -> v'],
      ['MatMul(x, v) -> y'],
    ],
  },
  'two layers': {
    x: [2, 3],
    weights: { w: [3, 4], b: [4], v: [4, 2], s: [2] },
    nodes: [
      ['MatMul(x, w) -> a'],
      ['Add(a, b) -> c'],
      ['Tanh(c) -> d'],
      ['MatMul(d, v) -> e'],
      ['Mul(e, s) -> y'],
    ],
  },
}

test.each(Object.entries(cases))(
  '%s: norms are those of single examples, and sums are of clipped ones',
  async (name, words) => {
    const forward = graphOf(words)
    const spec = (microBatch: number): TrainSpec => ({
      forward,
      trainable: Object.keys(words.weights!),
      loss: { kind: 'squared', output: 'y' },
      microBatch,
    })
    const size = countOf(words.x)
    const x =
      words.type === 'int64'
        ? Array.from({ length: BATCH * size }, (_, i) => (i * i) % 3)
        : spread(BATCH * size)
    const single = buildTrainGraph(spec(1))
    const targets = spread(BATCH * countOf(single.target.dims as number[]), 5)
    const one = await openGraph(single.model)
    const gradients: number[][] = []
    for (let i = 0; i < BATCH; i++) gradients.push(await gradientOf(one, single, cut(x, i), cut(targets, i)))
    await one.close()
    const norms = gradients.map((gradient) => Math.hypot(...gradient))
    // A clip between the norms: some are cut, some are not.
    const clip = norms.toSorted((a, b) => a - b)[1]! * 0.9
    const limit = Math.fround(clip) * (1 - 2 ** -10)
    const wanted = gradients[0]!.map((_, k) =>
      gradients.reduce((sum, gradient, i) => sum + (gradient[k]! * limit) / Math.max(limit, norms[i]!), 0),
    )
    const graph = buildTrainGraph({ ...spec(BATCH), clip })
    const all = await openGraph(graph.model)
    const found = await all.run(feedsOf(graph, x, targets))
    await all.close()
    const sums = graph.parameters.flatMap((_, i) => found[`g.${i}`]!)
    errors.push(
      `${name}: norm ${errorOf(found['norms']!, norms).toExponential(1)} sum ${errorOf(sums, wanted).toExponential(1)}`,
    )
    expect(errorOf(found['norms']!, norms)).toBeLessThan(1e-5)
    expect(errorOf(sums, wanted)).toBeLessThan(1e-5)
  },
)

function cut(values: readonly number[], i: number): number[] {
  const size = values.length / BATCH
  return values.slice(i * size, (i + 1) * size)
}

function feedsOf(
  graph: TrainGraph,
  x: readonly number[],
  target: readonly number[],
): Record<string, ArrayLike<number>> {
  return {
    ...Object.fromEntries(graph.parameters.map(({ initial }, i) => [`p.${i}`, initial])),
    'x.0': x,
    target,
    example_weight: Array.from({ length: (graph.model.inputs.at(-1)!.dims as number[])[0]! }, () => 1),
  }
}

async function gradientOf(
  session: Graph,
  graph: TrainGraph,
  x: number[],
  target: number[],
): Promise<number[]> {
  const found = await session.run(feedsOf(graph, x, target))
  return graph.parameters.flatMap((_, i) => found[`g.${i}`]!)
}
