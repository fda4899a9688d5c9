import { afterAll, expect, test } from 'vitest'
import type { AttributeRecord } from '../../src/train-graph/attributes.ts'
import { attributesOf } from '../../src/train-graph/attributes.ts'
import { RULES } from '../../src/train-graph/rules/index.ts'
import { type Case, check, type Found } from './finite-differences.ts'

const found = new Map<string, Found>()
afterAll(() => {
  if (!process.env['OPS_TABLE']) return
  for (const [name, { type, error }] of found)
    process.stdout.write(`${name} ${type} ${error.toExponential(1)}\n`)
})

/** An operator whose inputs are all to be differentiated. */
function op(
  name: string,
  inputs: readonly (readonly number[])[],
  attributes: AttributeRecord = {},
  more: Partial<Case> & { say?: string; output?: number; count?: number } = {},
): Case {
  const [kind = name] = name.split(' ')
  return {
    name,
    inputs,
    build: (b, ...values) =>
      b.addNode(kind, values, { attributes: attributesOf(attributes), count: more.count ?? 1 })[
        more.output ?? 0
      ]!,
    ...more,
  }
}

const positive = (value: number): number => Math.abs(value) + 0.4
const small = (value: number): number => value * 0.4
const M = [2, 3]

const ELEMENTWISE = 'Relu Sigmoid Tanh Exp Abs Neg Erf Softplus Softsign Identity Sin Cos Elu LeakyRelu'
const POSITIVE = 'Log Sqrt Reciprocal'

const cases: Case[] = [
  ...ELEMENTWISE.split(' ').map((name) => op(name, [[3, 4]], {}, { adjust: (value) => value * 0.9 })),
  ...POSITIVE.split(' ').map((name) => op(name, [M], {}, { adjust: positive })),
  op('Add', [M, [3]]),
  op('Sub', [[2, 1], M]),
  op('Mul', [
    [2, 1, 3],
    [4, 1],
  ]),
  op('Div', [M, [3]], {}, { adjust: positive }),
  op('Max', [M, [2, 1]]),
  op('Min', [[4], [3, 4]]),
  { name: 'Pow cubed', inputs: [M], build: (b, x) => b.add('Pow', [x, b.scalar(3, x)]) },
  { name: 'Pow squared', inputs: [M], build: (b, x) => b.add('Pow', [x, b.scalar(2, x)]) },
  { name: 'Pow root', inputs: [M], adjust: positive, build: (b, x) => b.add('Pow', [x, b.scalar(-0.5, x)]) },
  {
    name: 'Where',
    inputs: [M, [3]],
    build: (b, x, y) => b.add('Where', [b.add('Greater', [x, b.scalar(0, x)]), x, y]),
  },
  {
    name: 'Clip',
    inputs: [[3, 4]],
    build: (b, x) => b.add('Clip', [x, b.scalar(-0.4, x), b.scalar(0.5, x)]),
  },
  {
    name: 'Cast',
    inputs: [M],
    build: (b, x) =>
      b.add('Cast', [b.add('Cast', [x], { to: 11 })], { to: typeOf(x) === 'float64' ? 11 : 1 }),
  },
  op('Softmax', [[2, 5]], { axis: -1 }),
  op('Softmax middle', [[2, 3, 2]], { axis: 1 }),
  op('LogSoftmax', [[2, 5]], { axis: 1 }),
  op('MatMul', [
    [2, 3],
    [3, 4],
  ]),
  op('MatMul rows', [
    [2, 3, 4],
    [4, 2],
  ]),
  op('MatMul stacks', [
    [2, 1, 3, 2],
    [3, 2, 2],
  ]),
  ...[0, 1].flatMap((transA) =>
    [0, 1].map((transB) =>
      op(
        `Gemm ${transA}${transB}`,
        [transA ? [3, 2] : [2, 3], transB ? [4, 3] : [3, 4], transB ? [4] : [2, 1]],
        { transA, transB, alpha: { float: 0.5 }, beta: { float: 1.5 } },
      ),
    ),
  ),
  { name: 'Reshape', inputs: [M], build: (b, x) => b.add('Reshape', [x, b.ints([3, -1])]) },
  op('Flatten', [[2, 3, 2]], { axis: 2 }),
  { name: 'Squeeze', inputs: [[2, 1, 3]], build: (b, x) => b.add('Squeeze', [x, b.ints([1])]) },
  { name: 'Unsqueeze', inputs: [M], build: (b, x) => b.add('Unsqueeze', [x, b.ints([0, -1])]) },
  op('Transpose', [[2, 3, 4]], { perm: [2, 0, 1] }),
  { name: 'Expand', inputs: [[3, 1]], build: (b, x) => b.add('Expand', [x, b.ints([2, 1, 2])]) },
  {
    name: 'ReduceSum',
    inputs: [[2, 3, 2]],
    build: (b, x) => b.add('ReduceSum', [x, b.ints([1])], { keepdims: 0 }),
  },
  { name: 'ReduceSum all', inputs: [M], build: (b, x) => b.add('ReduceSum', [x]) },
  { name: 'ReduceMean', inputs: [[2, 3, 2]], build: (b, x) => b.add('ReduceMean', [x, b.ints([-1, 0])]) },
  op('GlobalAveragePool', [[2, 3, 2, 2]]),
  op('Concat', [M, [2, 2]], { axis: 1 }),
  op('Split', [[2, 5]], { axis: 1, num_outputs: 2 }, { count: 2, output: 1 }),
  {
    name: 'Split both',
    inputs: [[2, 4]],
    build: (b, x) => {
      const [one, two] = b.addNode('Split', [x], {
        attributes: attributesOf({ axis: 1, num_outputs: 2 }),
        count: 2,
      })
      return b.add('Mul', [one!, two!])
    },
  },
  {
    name: 'Slice',
    inputs: [[3, 5]],
    build: (b, x) => b.add('Slice', [x, b.ints([1, -4]), b.ints([9, -1]), b.ints([0, 1])]),
  },
  { name: 'Pad', inputs: [M], build: (b, x) => b.add('Pad', [x, b.ints([1, 0, 0, 2])]) },
  {
    name: 'Gather',
    inputs: [[5, 3]],
    build: (b, x) => b.add('Gather', [x, b.numbers([2, 3], [4, 0, 1, 1, 4, 4], 'int64')]),
  },
  {
    name: 'Gather middle',
    inputs: [[2, 3, 2]],
    build: (b, x) => b.add('Gather', [x, b.ints([2, -1])], { axis: 1 }),
  },
  {
    name: 'Gather one',
    inputs: [[2, 3]],
    build: (b, x) => b.add('Gather', [x, b.numbers([], [1], 'int64')], { axis: 1 }),
  },
  {
    name: 'GatherElements',
    inputs: [M],
    build: (b, x) => b.add('GatherElements', [x, b.numbers([2, 2], [0, 2, 1, 1], 'int64')], { axis: 1 }),
  },
  ...[0, 1].flatMap((exclusive) =>
    [0, 1].map((reverse): Case => ({
      name: `CumSum ${exclusive}${reverse}`,
      inputs: [[2, 4]],
      build: (b, x) => b.add('CumSum', [x, b.numbers([], [1], 'int64')], { exclusive, reverse }),
    })),
  ),
  op('LayerNormalization', [[2, 5], [5], [5]], { axis: -1 }),
  op(
    'LayerNormalization two',
    [
      [2, 2, 3],
      [2, 3],
    ],
    { axis: 1 },
  ),
  op('InstanceNormalization', [[2, 2, 6], [2], [2]]),
  op(
    'BatchNormalization',
    [[2, 3, 2], [3], [3]],
    {},
    {
      build: (b, x, scale, bias) =>
        b.add('BatchNormalization', [
          x,
          scale,
          bias,
          b.numbers([3], [0.1, -1, 2], typeOf(x)),
          b.numbers([3], [1, 2, 3], typeOf(x)),
        ]),
    },
  ),
  op('Conv', [[2, 2, 5], [3, 2, 3], [3]], { pads: [1, 0], strides: [2] }, { adjust: small }),
  op(
    'Conv plane',
    [[2, 2, 4, 5], [4, 1, 2, 3], [4]],
    { group: 2, pads: [1, 0, 0, 2], strides: [2, 1], dilations: [1, 2] },
    { adjust: small },
  ),
  op(
    'Conv depthwise',
    [
      [1, 3, 4, 4],
      [3, 1, 2, 2],
    ],
    { group: 3, strides: [3, 3] },
    { adjust: small },
  ),
  op('MaxPool', [[2, 2, 5, 4]], { kernel_shape: [3, 2], strides: [2, 2], pads: [1, 0, 0, 0] }),
  op('MaxPool up', [[1, 2, 5]], { kernel_shape: [2], strides: [2], ceil_mode: 1 }),
  op('AveragePool', [[2, 2, 5, 4]], { kernel_shape: [3, 2], strides: [2, 2], pads: [1, 0, 0, 0] }),
  op('AveragePool padded', [[1, 2, 5]], { kernel_shape: [3], pads: [1, 1], count_include_pad: 1 }),
]

function typeOf({ type }: { type: string }): 'float32' | 'float64' {
  return type === 'float64' ? 'float64' : 'float32'
}

test.each(cases.map((one) => [one.name, one] as const))('gradient of %s', async (name, one) => {
  const result = await check(one)
  found.set(name, result)
  expect(result.error).toBeLessThan(result.type === 'float64' ? 1e-8 : 1e-4)
})

test('every rule has a case here', () => {
  const checked = new Set(cases.map(({ name }) => name.split(' ')[0]))
  expect([...RULES.keys()].filter((op) => !checked.has(op))).toEqual([])
})
