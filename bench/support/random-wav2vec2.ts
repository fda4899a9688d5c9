import { closeSync, openSync, writeSync } from 'node:fs'
import { OnnxGraph } from './onnx-graph.ts'

const WIDTH = 768
const CONVOLUTIONS = 512
const LAYERS = 12
const HEADS = 12
const FEED_FORWARD = 3072
/** Kernel and stride of the seven convolutions that turn samples into frames of 20 ms. */
const EXTRACTOR = [
  [10, 5],
  [3, 2],
  [3, 2],
  [3, 2],
  [3, 2],
  [2, 2],
  [2, 2],
] as const
const POSITION_KERNEL = 128
const POSITION_GROUPS = 16

/**
 * Writes an ONNX model of the shape of wav2vec2-base with a CTC head (95 million parameters, fp32), with
 * random weights. It hears nothing; it takes the time of a real one.
 */
export function writeRandomWav2vec2(file: string, vocabulary: number): void {
  const graph = new OnnxGraph()
  const frames = extractor(graph, graph.add('Unsqueeze', ['input_values', graph.integers([1])]))
  let hidden = linear(graph, norm(graph, frames, CONVOLUTIONS), CONVOLUTIONS, WIDTH)
  hidden = norm(graph, graph.add('Add', [hidden, positions(graph, hidden)]), WIDTH)
  for (let layer = 0; layer < LAYERS; layer++) {
    hidden = norm(graph, graph.add('Add', [hidden, attention(graph, hidden)]), WIDTH)
    const inner = graph.add('Gelu', [linear(graph, hidden, WIDTH, FEED_FORWARD)])
    hidden = norm(graph, graph.add('Add', [hidden, linear(graph, inner, FEED_FORWARD, WIDTH)]), WIDTH)
  }
  const logits = linear(graph, hidden, WIDTH, vocabulary)
  const input = { name: 'input_values', shape: ['batch', 'samples'] }
  const output = { name: 'logits', from: logits, shape: ['batch', 'frames', 'vocabulary'] }
  const out = openSync(file, 'wx', 0o600)
  try {
    for (const part of graph.encode(input, output, 20)) writeSync(out, part)
  } finally {
    closeSync(out)
  }
}

function extractor(graph: OnnxGraph, samples: string): string {
  let value = samples
  for (const [index, [kernel, stride]] of EXTRACTOR.entries()) {
    const from = index === 0 ? 1 : CONVOLUTIONS
    const weight = random(graph, [CONVOLUTIONS, from, kernel], from * kernel)
    value = graph.add('Conv', [value, weight], { kernel_shape: [kernel], strides: [stride] })
    if (index === 0) value = graph.add('InstanceNormalization', [value, ...scaleAndBias(graph, CONVOLUTIONS)])
    value = graph.add('Gelu', [value])
  }
  return graph.add('Transpose', [value], { perm: [0, 2, 1] })
}

function positions(graph: OnnxGraph, hidden: string): string {
  const weight = random(
    graph,
    [WIDTH, WIDTH / POSITION_GROUPS, POSITION_KERNEL],
    (WIDTH / POSITION_GROUPS) * POSITION_KERNEL,
  )
  const half = POSITION_KERNEL / 2
  const convolved = graph.add('Conv', [graph.add('Transpose', [hidden], { perm: [0, 2, 1] }), weight], {
    kernel_shape: [POSITION_KERNEL],
    pads: [half, half],
    group: POSITION_GROUPS,
  })
  // An even kernel gives one frame too many.
  const cut = graph.add('Slice', [convolved, graph.integers([0]), graph.integers([-1]), graph.integers([2])])
  return graph.add('Transpose', [graph.add('Gelu', [cut])], { perm: [0, 2, 1] })
}

function attention(graph: OnnxGraph, hidden: string): string {
  const split = graph.integers([0, -1, HEADS, WIDTH / HEADS])
  const heads = (perm: number[]): string =>
    graph.add('Transpose', [graph.add('Reshape', [linear(graph, hidden, WIDTH, WIDTH), split])], { perm })
  const query = heads([0, 2, 1, 3])
  const key = heads([0, 2, 3, 1])
  const value = heads([0, 2, 1, 3])
  const scale = graph.floats(new Float32Array([1 / Math.sqrt(WIDTH / HEADS)]), [])
  const scores = graph.add('Mul', [graph.add('MatMul', [query, key]), scale])
  const mixed = graph.add('MatMul', [graph.add('Softmax', [scores], { axis: 3 }), value])
  const joined = graph.add('Reshape', [
    graph.add('Transpose', [mixed], { perm: [0, 2, 1, 3] }),
    graph.integers([0, -1, WIDTH]),
  ])
  return linear(graph, joined, WIDTH, WIDTH)
}

function linear(graph: OnnxGraph, value: string, from: number, to: number): string {
  const product = graph.add('MatMul', [value, random(graph, [from, to], from)])
  return graph.add('Add', [product, graph.floats(new Float32Array(to), [to])])
}

function norm(graph: OnnxGraph, value: string, width: number): string {
  return graph.add('LayerNormalization', [value, ...scaleAndBias(graph, width)], {
    axis: 2,
    epsilon: { float: 1e-5 },
  })
}

function scaleAndBias(graph: OnnxGraph, width: number): string[] {
  return [
    graph.floats(new Float32Array(width).fill(1), [width]),
    graph.floats(new Float32Array(width), [width]),
  ]
}

function random(graph: OnnxGraph, shape: readonly number[], inputs: number): string {
  const bound = Math.sqrt(3 / inputs)
  const values = new Float32Array(shape.reduce((product, size) => product * size, 1))
  for (let index = 0; index < values.length; index++) values[index] = (Math.random() * 2 - 1) * bound
  return graph.floats(values, shape)
}
