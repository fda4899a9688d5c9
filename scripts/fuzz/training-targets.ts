import { utf8 } from '@sotto/protocol/bytes'
import {
  encodeOnnx,
  encodeOnnxWithData,
  type OnnxModel,
  type OnnxNode,
  type OnnxPort,
  type OnnxTensor,
  parseOnnx,
  tensorOf,
} from '@sotto/protocol/onnx'
import { buildTrainGraph, mlpForward } from '@sotto/protocol/train-graph'
import { encodeModelOrigin, parseModelOrigin } from '@sotto/protocol/training'
import { ORIGIN } from '../../packages/protocol/test/training/origins.ts'
import { parser, type Target } from './target.ts'

/** What training reads of owners before anything else does, graphs of models; and what a model is said to come from. */
export const trainingTargets: readonly Target[] = [
  parser(
    'origin of a model',
    () => [encodeModelOrigin(ORIGIN)],
    (bytes) => encodeModelOrigin(parseModelOrigin(bytes)),
  ),
  parser('onnx model', graphs, (bytes) => encodeOnnx(parseOnnx(bytes))),
  parser(
    'onnx model with data',
    () => [encodeOnnxWithData(model(), 'w.bin', 4).model],
    (bytes) => parseOnnx(bytes, new Map([['w.bin', new Uint8Array(16_384)]])),
  ),
  parser('train graph', forwards, (bytes) => {
    const forward = parseOnnx(bytes)
    for (const more of [{}, { clip: 1 }])
      buildTrainGraph({
        forward,
        trainable: 'all',
        loss: { kind: 'squared', output: forward.outputs[0]?.name ?? '' },
        microBatch: 2,
        sequence: 3,
        ...more,
      })
  }),
]

/** Graphs whose gradients can be taken, with most kinds of operators between them. */
function forwards(): Uint8Array[] {
  const node = (
    op: string,
    inputs: string,
    output: string,
    attributes: [string, bigint[]][] = [],
  ): OnnxNode => ({
    op,
    domain: '',
    name: output,
    inputs: inputs.split(' '),
    outputs: output.split(' '),
    attributes: new Map(
      attributes.map(([name, ints]) => [name, ints.length === 1 ? { int: ints[0]! } : { ints }]),
    ),
    metadata: new Map(),
  })
  const floats = (name: string, dims: number[]): OnnxTensor =>
    tensorOf(
      name,
      'float32',
      dims,
      Array.from({ length: dims.reduce((a, b) => a * b, 1) }, (_, i) => i / 8),
    )
  const ints = (name: string, values: number[]): OnnxTensor =>
    tensorOf(name, 'int64', [values.length], values)
  const graph = (x: OnnxPort, initializers: OnnxTensor[], nodes: OnnxNode[]): Uint8Array =>
    encodeOnnx({
      irVersion: 8,
      opsets: new Map([['', 18]]),
      name: '',
      inputs: [x],
      outputs: [{ name: 'y', type: 'float32' }],
      initializers,
      nodes,
    })
  const images: OnnxPort = { name: 'x', type: 'float32', dims: ['n', 2, 4] }
  const tokens: OnnxPort = { name: 'x', type: 'int64', dims: ['n', 't'] }
  return [
    encodeOnnx(mlpForward({ sizes: [3, 4, 2], activation: 'relu', seed: 1 })),
    graph(
      images,
      [
        floats('w', [2, 2, 3]),
        floats('b', [2]),
        ints('shape', [0, -1]),
        floats('d', [8, 3]),
        floats('s', [2, 1]),
      ],
      [
        node('Conv', 'x w b', 'c', [['pads', [1n, 1n]]]),
        node('Mul', 'c s', 'm'),
        node('Reshape', 'm shape', 'f'),
        node('Gemm', 'f d', 'y'),
      ],
    ),
    graph(
      tokens,
      [
        floats('e', [5, 4]),
        floats('p', [3, 4]),
        floats('g', [4]),
        floats('h', [4]),
        floats('w', [4, 4]),
        ints('a', [1]),
        ints('z', [0]),
      ],
      [
        node('Gather', 'e x', 'i'),
        node('Add', 'i p', 'j'),
        node('LayerNormalization', 'j g h', 'k'),
        node('MatMul', 'k w', 'l'),
        node('Transpose', 'l', 't', [['perm', [0n, 2n, 1n]]]),
        node('MatMul', 'l t', 's'),
        node('Softmax', 's', 'q', [['axis', [-1n]]]),
        node('MatMul', 'q k', 'o'),
        node('Split', 'o', 'u v', [['axis', [2n]]]),
        node('Tanh', 'u', 'c'),
        node('Slice', 'c z a a', 'd'),
        node('ReduceMean', 'c a', 'r'),
        node('Sub', 'v r', 'y'),
      ],
    ),
  ]
}

function graphs(): Uint8Array[] {
  return [encodeOnnx(model())]
}

function model(): OnnxModel {
  const node = { domain: '', name: 'n', metadata: new Map([['k', 'v']]) }
  const inner = {
    name: 'inner',
    inputs: [],
    outputs: [{ name: 'z' }],
    initializers: [],
    nodes: [{ ...node, op: 'Identity', inputs: ['y'], outputs: ['z'], attributes: new Map() }],
  }
  return {
    irVersion: 8,
    opsets: new Map([['', 18]]),
    name: 'g',
    inputs: [{ name: 'x', type: 'float32', dims: ['batch', 2] }],
    outputs: [{ name: 'y', type: 'float32' }],
    initializers: [
      tensorOf('w', 'float32', [2, 2], [1, 2, 3, 4]),
      { name: 's', type: 'string', dims: [1], data: Uint8Array.from([2, 0, 0, 0, ...utf8('ab')]) },
    ],
    nodes: [
      {
        ...node,
        op: 'Gemm',
        inputs: ['x', 'w'],
        outputs: ['y'],
        attributes: new Map([
          ['alpha', { float: 0.5 }],
          ['transB', { int: 1n }],
        ]),
      },
      {
        ...node,
        op: 'If',
        inputs: ['x'],
        outputs: ['q'],
        attributes: new Map<string, never>(
          Object.entries({
            a: { graph: inner },
            b: { ints: [1n, -2n] },
            c: { floats: [0.5] },
            d: { strings: ['x'] },
            e: { tensor: tensorOf('', 'int64', [1], [7]) },
          }) as [string, never][],
        ),
      },
    ],
  }
}
