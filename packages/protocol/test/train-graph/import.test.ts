import { globSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { encodeOnnx, type OnnxModel, parseOnnx, tensorOf } from '@sotto/protocol/onnx'
import { InferenceSession, Tensor } from 'onnxruntime-node'
import { expect, test } from 'vitest'
import { GraphBuilder } from '../../src/train-graph/builder.ts'
import { emitModel } from '../../src/train-graph/emit.ts'
import { importGraph } from '../../src/train-graph/import-graph.ts'
import { type GraphWords, graphOf, ints } from './forward-graphs.ts'
import { errorOf, openGraph, spread } from './run-graph.ts'

const BATCH = 2
const scalar = (name: string, value: number): ReturnType<typeof tensorOf> =>
  tensorOf(name, 'float32', [], [value])

const cases: Record<string, GraphWords> = {
  'ReduceMean of opset 13': {
    x: [3, 2],
    opset: 13,
    nodes: [['ReduceMean(x) -> y', { axes: [-1], keepdims: 0 }]],
  },
  'Split of opset 13': { x: [4], opset: 13, nodes: [['Split(x) -> a, b', { axis: 1 }], ['Sub(a, b) -> y']] },
  'Split into parts of a size': {
    x: [4],
    constants: [ints('parts', [1, 3])],
    nodes: [['Split(x, parts) -> a, b', { axis: -1 }], ['Mul(a, b) -> y']],
  },
  'Gelu of opset 20': { x: [5], opset: 20, nodes: [['Gelu(x) -> y']] },
  'Gelu by tanh': { x: [5], opset: 20, nodes: [['Gelu(x) -> y', { approximate: { string: 'tanh' } }]] },
  'Dropout for inference': {
    x: [5],
    constants: [scalar('r', 0.5)],
    nodes: [['Dropout(x, r) -> a'], ['Neg(a) -> y']],
  },
  'Conv with SAME_UPPER': {
    x: [1, 5, 6],
    weights: { w: [2, 1, 2, 3] },
    nodes: [['Conv(x, w) -> y', { auto_pad: { string: 'SAME_UPPER' }, strides: [2, 1] }]],
  },
  'MaxPool with SAME_LOWER': {
    x: [2, 5],
    nodes: [['MaxPool(x) -> y', { auto_pad: { string: 'SAME_LOWER' }, kernel_shape: [2], strides: [2] }]],
  },
  'shapes that are computed': {
    x: [2, 3],
    constants: [ints('zero', [0], []), ints('one', [1]), ints('axes', [0]), ints('all', [6])],
    nodes: [
      ['Shape(x) -> s'],
      ['Gather(s, zero) -> n'],
      ['Unsqueeze(n, axes) -> u'],
      ['Mul(u, one) -> m'],
      ['Concat(m, all) -> t', { axis: 0 }],
      ['Reshape(x, t) -> y'],
    ],
  },
  'a mask that is computed': {
    x: [4],
    constants: [
      ints('size', [4], []),
      ints('zero', [0], []),
      ints('one', [1], []),
      ints('axis', [0]),
      ints('last', [1]),
      scalar('low', -9),
    ],
    nodes: [
      ['Range(zero, size, one) -> r'],
      ['Unsqueeze(r, axis) -> row'],
      ['Unsqueeze(r, last) -> column'],
      ['LessOrEqual(row, column) -> mask'],
      ['Unsqueeze(x, last) -> wide'],
      ['Where(mask, wide, low) -> y'],
    ],
  },
  'a constant in a node': {
    x: [2],
    nodes: [['Constant() -> c', { value_float: { float: 2.5 } }], ['Mul(x, c) -> y']],
  },
}

/** What the runtime makes of the owner's graph, and of ours. */
async function both(model: OnnxModel, x: number[], dims: number[]): Promise<[number[], number[]]> {
  const [port] = model.inputs
  const owner = await InferenceSession.create(encodeOnnx(model), { logSeverityLevel: 4 })
  const feed =
    port!.type === 'int64'
      ? new Tensor(BigInt64Array.from(x, BigInt), dims)
      : new Tensor(Float32Array.from(x), dims)
  const output = model.outputs[0]!.name
  const wanted = Array.from((await owner.run({ [port!.name]: feed }))[output]!.data as Float32Array)
  await owner.release()
  const b = new GraphBuilder()
  const { outputs } = importGraph(b, model, { batch: dims[0]! })
  const ours = await openGraph(emitModel(b, [['y', outputs.get(output)!]]))
  const found = (await ours.run({ 'x.0': x }))['y']!
  await ours.close()
  return [found, wanted]
}

test.each(Object.entries(cases))('answers as the graph that it was read from: %s', async (_, words) => {
  const dims = [BATCH, ...words.x]
  const [found, wanted] = await both(graphOf(words), spread(dims.reduce((a, b) => a * b, 1)), dims)
  expect(errorOf(found, wanted)).toBeLessThan(1e-6)
})

const folder = join(import.meta.dirname, 'fixtures')
test.each(globSync('*.onnx', { cwd: folder }).map((name) => basename(name)))(
  'answers as %s does',
  async (name) => {
    const model = parseOnnx(new Uint8Array(readFileSync(join(folder, name))))
    const { type, dims } = model.inputs[0]!
    const sizes = [3, ...(dims!.slice(1) as number[])]
    const count = sizes.reduce((a, b) => a * b, 1)
    const x = type === 'int64' ? Array.from({ length: count }, (_, i) => (i * 7) % 24) : spread(count)
    const [found, wanted] = await both(model, x, sizes)
    expect(errorOf(found, wanted)).toBeLessThan(2e-6)
  },
)

const refused: [what: string, words: GraphWords, code: string][] = [
  ['operators of version 12', { x: [2], opset: 12, nodes: [['Neg(x) -> y']] }, 'GRAPH_NO_RULE'],
  ['operators of version 21', { x: [2], opset: 21, nodes: [['Neg(x) -> y']] }, 'GRAPH_NO_RULE'],
  ['an operator that nobody knows', { x: [2], nodes: [['Frob(x) -> y']] }, 'GRAPH_SHAPE'],
  [
    'a shape that depends on data',
    { x: [2], type: 'int64', nodes: [['ConstantOfShape(x) -> y']] },
    'GRAPH_SHAPE',
  ],
  [
    'a value that is too large',
    { x: [1], constants: [ints('s', [2, 2 ** 20, 2 ** 20])], nodes: [['Expand(x, s) -> y']] },
    'GRAPH_SHAPE',
  ],
  [
    'a range without a step',
    { x: [1], constants: [ints('z', [0], [])], nodes: [['Range(z, z, z) -> y']] },
    'GRAPH_SHAPE',
  ],
  [
    'a range without an end',
    {
      x: [1],
      constants: [ints('z', [0], []), ints('n', [2 ** 50], []), ints('o', [1], [])],
      nodes: [['Range(z, n, o) -> y']],
    },
    'GRAPH_SHAPE',
  ],
  ['an axis outside', { x: [2], nodes: [['Softmax(x) -> y', { axis: 2 }]] }, 'GRAPH_SHAPE'],
  ['an attribute of another type', { x: [2], nodes: [['Softmax(x) -> y', { axis: [1] }]] }, 'GRAPH_SHAPE'],
  ['a missing input', { x: [2], nodes: [['Add(x, _) -> y']] }, 'GRAPH_SHAPE'],
]

test.each(refused)('refuses %s', (_, words, code) => {
  expect(() => importGraph(new GraphBuilder(), graphOf(words), { batch: 2 })).toThrow(
    expect.objectContaining({ code }),
  )
})
