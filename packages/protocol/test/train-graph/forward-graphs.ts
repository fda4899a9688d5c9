import {
  type AttributeValue,
  countOf,
  type OnnxModel,
  type OnnxNode,
  type OnnxTensor,
  tensorOf,
} from '@sotto/protocol/onnx'
import { spread } from './run-graph.ts'

/** A node as `Op(a, b) -> y` with attributes: whole numbers, lists of them, `{ float }`. */
export type NodeWords = readonly [
  words: string,
  attributes?: Readonly<Record<string, number | number[] | AttributeValue>>,
]

/** A small graph for tests. */
export interface GraphWords {
  /** Dimensions of `x` after that of the examples. */
  readonly x: readonly number[]
  readonly type?: 'float32' | 'int64'
  readonly nodes: readonly NodeWords[]
  /** Float weights by name, with numbers that are spread. */
  readonly weights?: Readonly<Record<string, readonly number[]>>
  readonly constants?: readonly OnnxTensor[]
  readonly opset?: number
}

/** The model that the words mean; its output is `y`. */
export function graphOf({
  x,
  type = 'float32',
  nodes,
  weights = {},
  constants = [],
  opset = 18,
}: GraphWords): OnnxModel {
  return {
    irVersion: 8,
    opsets: new Map([['', opset]]),
    name: 'g',
    inputs: [{ name: 'x', type, dims: ['batch', ...x] }],
    outputs: [{ name: 'y', type: 'float32' }],
    initializers: [
      ...Object.entries(weights).map(([name, dims], i) =>
        tensorOf(
          name,
          'float32',
          dims,
          spread(countOf(dims), 3 + i).map((value) => value + 0.03 * i),
        ),
      ),
      ...constants,
    ],
    nodes: nodes.map(nodeOf),
  }
}

function nodeOf([words, attributes = {}]: NodeWords): OnnxNode {
  const [, op = '', inputs = '', outputs = ''] = /^(\w+)\((.*)\) -> (.*)$/.exec(words) ?? []
  const list = (text: string): string[] => text.split(', ').map((name) => (name === '_' ? '' : name))
  const entries = Object.entries(attributes).map(([name, value]): [string, AttributeValue] => {
    if (typeof value === 'number') return [name, { int: BigInt(value) }]
    return [name, Array.isArray(value) ? { ints: value.map(BigInt) } : value]
  })
  return {
    op,
    domain: '',
    name: words,
    inputs: list(inputs),
    outputs: list(outputs),
    attributes: new Map(entries),
    metadata: new Map(),
  }
}

/** Whole numbers as a constant. */
export function ints(
  name: string,
  values: readonly number[],
  dims: readonly number[] = [values.length],
): OnnxTensor {
  return tensorOf(name, 'int64', dims, values)
}
