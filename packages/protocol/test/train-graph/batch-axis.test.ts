import { globSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { parseOnnx } from '@sotto/protocol/onnx'
import {
  buildTrainGraph,
  findPrivacyBreaks,
  type LossKind,
  type TrainSpec,
} from '@sotto/protocol/train-graph'
import { expect, test } from 'vitest'
import { type GraphWords, graphOf, ints } from './forward-graphs.ts'
import { openGraph, spread } from './run-graph.ts'

const folder = join(import.meta.dirname, 'fixtures')
const names = globSync('*.json', { cwd: folder }).map((name) => basename(name, '.json'))

interface Fixture {
  readonly loss: LossKind
  readonly output: string
  readonly batch: number
  readonly x: number[]
  readonly target: number[]
}

test.each(names)('%s: no loss and no norm of an example depends on another one', async (name) => {
  const fixture = JSON.parse(readFileSync(join(folder, `${name}.json`), 'utf8')) as Fixture
  const spec: TrainSpec = {
    forward: parseOnnx(new Uint8Array(readFileSync(join(folder, `${name}.onnx`)))),
    trainable: 'all',
    loss: { kind: fixture.loss, output: fixture.output },
    microBatch: fixture.batch,
    clip: 1,
  }
  expect(findPrivacyBreaks(spec)).toEqual([])
  const graph = buildTrainGraph(spec)
  const session = await openGraph(graph.model)
  const size = fixture.x.length / fixture.batch
  const run = (x: number[]): Promise<Record<string, number[]>> =>
    session.run({
      ...Object.fromEntries(graph.parameters.map(({ initial }, i) => [`p.${i}`, initial])),
      'x.0': x,
      target: fixture.target,
      example_weight: Array.from({ length: fixture.batch }, () => 1),
    })
  const before = await run(fixture.x)
  const after = await run(fixture.x.map((value, i) => (i < size ? (value + 1) % 24 : value)))
  await session.close()
  for (const output of ['losses', 'norms']) {
    expect(after[output]![0]).not.toBe(before[output]![0])
    expect(after[output]!.slice(1)).toEqual(before[output]!.slice(1))
  }
})

const safe: Record<string, GraphWords> = {
  'examples and time as one, then by heads': {
    x: [4, 6],
    weights: { w: [6, 6] },
    constants: [ints('flat', [-1, 6]), ints('heads', [-1, 4, 2, 3]), ints('back', [-1, 4, 6])],
    nodes: [
      ['Reshape(x, flat) -> f'],
      ['Gemm(f, w) -> g'],
      ['Reshape(g, heads) -> h'],
      ['Transpose(h) -> q', { perm: [0, 2, 1, 3] }],
      ['Transpose(h) -> k', { perm: [0, 2, 3, 1] }],
      ['MatMul(q, k) -> s'],
      ['Softmax(s) -> p'],
      ['MatMul(p, q) -> o'],
      ['Transpose(o) -> t', { perm: [0, 2, 1, 3] }],
      ['Reshape(t, back) -> y'],
    ],
  },
  'sums within an example': {
    x: [4, 2],
    weights: { w: [2] },
    constants: [ints('one', [1]), ints('axis', [1], [])],
    nodes: [
      ['Mul(x, w) -> a'],
      ['CumSum(a, axis) -> c'],
      ['ReduceMean(c, one) -> m', { keepdims: 0 }],
      ['Tanh(m) -> y'],
    ],
  },
  'parts of an example': {
    x: [4, 3],
    weights: { w: [3] },
    constants: [ints('a', [1]), ints('b', [3]), ints('axis', [1]), ints('at', [1, 0])],
    nodes: [
      ['Mul(x, w) -> m'],
      ['Slice(m, a, b, axis) -> s'],
      ['Gather(m, at) -> g', { axis: 1 }],
      ['Concat(s, g) -> c', { axis: 1 }],
      ['Split(c) -> d, e', { axis: 1 }],
      ['Add(d, e) -> y'],
    ],
  },
}

test.each(Object.entries(safe))(
  '%s: is followed, and the norms are those of single examples',
  async (_, words) => {
    const spec = (microBatch: number): TrainSpec => ({
      forward: graphOf(words),
      trainable: ['w'],
      loss: { kind: 'squared', output: 'y' },
      microBatch,
      clip: 1,
    })
    const norms = async (from: number, to: number): Promise<number[]> => {
      const graph = buildTrainGraph(spec(to - from))
      const session = await openGraph(graph.model)
      const size = words.x.reduce((a, b) => a * b, 1)
      const each = (graph.target.dims as number[]).slice(1).reduce((a, b) => a * b, 1)
      const found = await session.run({
        'p.0': graph.parameters[0]!.initial,
        'x.0': spread(3 * size).slice(from * size, to * size),
        target: spread(3 * each, 4).slice(from * each, to * each),
        example_weight: Array.from({ length: to - from }, () => 1),
      })
      await session.close()
      return found['norms']!
    }
    const singles = [...(await norms(0, 1)), ...(await norms(1, 2)), ...(await norms(2, 3))]
    for (const [i, norm] of (await norms(0, 3)).entries()) expect(norm / singles[i]!).toBeCloseTo(1, 4)
  },
)
