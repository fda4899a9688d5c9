import { buildEvaluation, buildTrainGraph, type LossKind, type TrainSpec } from '@sotto/protocol/train-graph'
import { expect, test } from 'vitest'
import { type GraphWords, graphOf } from './forward-graphs.ts'
import { openGraph } from './run-graph.ts'

const BATCH = 2
/** A graph that answers its input, moved by a weight of zeros. */
const wordsOf = (x: number[]): GraphWords => ({ x, weights: { w: [] }, nodes: [['Add(x, w) -> y']] })

const specOf = (kind: LossKind, x: number[]): TrainSpec => ({
  forward: graphOf(wordsOf(x)),
  trainable: ['w'],
  loss: { kind, output: 'y' },
  microBatch: BATCH,
})

async function losses(kind: LossKind, dims: number[], x: number[], target: number[]): Promise<number[]> {
  const session = await openGraph(buildEvaluation(specOf(kind, dims)).model)
  const found = await session.run({ 'p.0': [0], 'x.0': x, target })
  await session.close()
  return found['losses']!
}

const logSumExp = (values: number[]): number =>
  Math.log(values.reduce((sum, value) => sum + Math.exp(value), 0))

test('cross-entropy is minus the logarithm of the own class', async () => {
  const found = await losses('cross-entropy', [3], [1, 2, 0.5, -1, 0, 3], [1, 0])
  expect(found[0]).toBeCloseTo(logSumExp([1, 2, 0.5]) - 2, 5)
  expect(found[1]).toBeCloseTo(logSumExp([-1, 0, 3]) + 1, 5)
})

test('the binary loss is exact for large logits, and takes targets between 0 and 1', async () => {
  expect(await losses('binary', [1], [200, -200], [1, 1])).toEqual([0, 200])
  const [half] = await losses('binary', [], [0.5, 0], [0.25, 0])
  expect(half).toBeCloseTo(Math.log(1 + Math.exp(0.5)) - 0.125, 5)
})

test('the squared loss is a mean over the outputs of an example', async () => {
  expect(await losses('squared', [2, 1], [1, 2, 3, 4], [0, 0, 3, 2])).toEqual([2.5, 2])
})

test('the causal loss is a mean over the positions that count, and nothing where none does', async () => {
  const found = await losses('causal', [3, 2], [0, 1, 2, 0, 5, 5, 0, 0, 0, 0, 0, 0], [1, -1, 0, -1, -1, -1])
  expect(found[0]).toBeCloseTo((logSumExp([0, 1]) - 1 + Math.log(2)) / 2, 5)
  expect(found[1]).toBeCloseTo(0, 10)
})

test.each<[LossKind, number[]]>([
  ['cross-entropy', [3, 2]],
  ['cross-entropy', [1]],
  ['binary', [2]],
  ['binary', [1, 1]],
  ['causal', [3]],
  ['squared', [1, 1, 1, 1]],
])('refuses %s of examples of [%s]', (kind, dims) => {
  expect(() => buildTrainGraph(specOf(kind, dims))).toThrow(expect.objectContaining({ code: 'GRAPH_LOSS' }))
})
