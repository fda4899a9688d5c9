import {
  encodeOnnx,
  type AttributeValue,
  type OnnxNode,
  type OnnxPort,
  type OnnxTensor,
} from '@sotto/protocol/onnx'
import type { ScoreGraph, StepGraph } from '../../src/train/index.ts'
import type { Parameter } from '../../src/train/step/graph.ts'
import type { Chance } from '../../src/train/random/streams.ts'

/** What a hand-written graph is of. */
export interface Shape {
  /** Numbers of each layer, from the features on. One at the end: two classes. */
  readonly layers: readonly number[]
  readonly microBatch: number
  readonly clip?: number
  /** Takes the clip out of the graph, though it is said to be in. */
  readonly isUnclipped?: boolean
}

/** A perceptron with ReLU between its layers, its loss and its gradients, written by hand; of two layers: logistic regression. */
export function stepGraph(shape: Shape, chance?: Chance): StepGraph {
  const { layers, microBatch: m, clip } = shape
  const g = new Nodes()
  const { acts, z } = forward(g, layers)
  const outputs = layers.at(-1)!
  const isTwo = outputs === 1
  const target: StepGraph['target'] = {
    name: 'target',
    type: isTwo ? 'float32' : 'int64',
    dims: [m],
    classes: isTwo ? 2 : outputs,
  }
  let delta: string
  if (isTwo) {
    const y = g.add('Reshape', ['target', g.ints([m, 1])])
    delta = g.add('Sub', [g.add('Sigmoid', [z]), y])
    const plus = g.add('Softplus', [z])
    g.add('Reshape', [g.add('Sub', [plus, g.add('Mul', [z, y])]), g.ints([m])], {}, 'losses')
  } else {
    const hot = g.add('OneHot', ['target', g.ints([outputs]), g.floats([0, 1])])
    delta = g.add('Sub', [g.add('Softmax', [z]), hot])
    const log = g.add('LogSoftmax', [z])
    const picked = g.add('ReduceSum', [g.add('Mul', [log, hot]), g.ints([1])], { keepdims: { int: 0n } })
    g.add('Neg', [picked], {}, 'losses')
  }
  const deltas: string[] = []
  for (let layer = layers.length - 2; layer >= 0; layer--) {
    deltas[layer] = delta
    if (layer === 0) break
    const back = g.add('MatMul', [delta, g.add('Transpose', [`p.${2 * layer}`])])
    const isOn = g.add('Cast', [g.add('Greater', [acts[layer]!, g.floats([0])])], { to: { int: 1n } })
    delta = g.add('Mul', [back, isOn])
  }
  const square = (value: string): string => g.add('ReduceSum', [g.add('Mul', [value, value]), g.ints([1])])
  let factor = g.add('Reshape', ['example_weight', g.ints([m, 1])])
  if (clip !== undefined && shape.isUnclipped !== true) {
    const squares = deltas.map((one, layer) =>
      g.add('Mul', [square(one), g.add('Add', [square(acts[layer]!), g.floats([1])])]),
    )
    const norm = g.add('Sqrt', [
      g.add('Add', [squares.reduce((a, b) => g.add('Add', [a, b])), g.floats([1e-12])]),
    ])
    const part = g.add('Min', [g.floats([1]), g.add('Div', [g.floats([clip]), norm])])
    factor = g.add('Mul', [factor, part])
  }
  for (const [layer, one] of deltas.entries()) {
    const scaled = g.add('Mul', [one, factor])
    g.add('MatMul', [g.add('Transpose', [acts[layer]!]), scaled], {}, `g.${2 * layer}`)
    g.add('ReduceSum', [scaled, g.ints([0])], { keepdims: { int: 0n } }, `g.${2 * layer + 1}`)
  }
  const parameters = initial(layers, chance)
  return {
    model: g.encode(
      [
        ...ports(parameters),
        { name: 'x', type: 'float32', dims: [m, layers[0]!] },
        { name: 'target', type: target.type, dims: [m] },
        { name: 'example_weight', type: 'float32', dims: [m] },
      ],
      [...ports(parameters, 'g'), { name: 'losses', type: 'float32', dims: [m] }],
    ),
    parameters,
    microBatch: m,
    data: { name: 'x', width: layers[0]! },
    target,
    weight: 'example_weight',
    losses: 'losses',
    ...(clip !== undefined && { clip }),
  }
}

/** The same perceptron without a loss. */
export function scoreGraph({ layers, microBatch }: Shape): ScoreGraph {
  const g = new Nodes()
  const { z } = forward(g, layers)
  g.add('Identity', [z], {}, 'scores')
  const parameters = initial(layers)
  const outputs = layers.at(-1)!
  return {
    model: g.encode(
      [...ports(parameters), { name: 'x', type: 'float32', dims: [microBatch, layers[0]!] }],
      [{ name: 'scores', type: 'float32', dims: [microBatch, outputs] }],
    ),
    parameters,
    microBatch,
    data: { name: 'x', width: layers[0]! },
    scores: 'scores',
    outputs,
  }
}

function forward(g: Nodes, layers: readonly number[]): { acts: string[]; z: string } {
  const acts = ['x']
  let z = ''
  for (let layer = 0; layer + 1 < layers.length; layer++) {
    z = g.add('Add', [g.add('MatMul', [acts[layer]!, `p.${2 * layer}`]), `p.${2 * layer + 1}`])
    if (layer + 2 < layers.length) acts.push(g.add('Relu', [z]))
  }
  return { acts, z }
}

/** Zeros, or with chance uniform numbers as Glorot and Bengio have them. */
function initial(layers: readonly number[], chance?: Chance): Parameter[] {
  const stream = chance?.stream('try', 1)
  return layers.slice(1).flatMap((to, layer) => {
    const from = layers[layer]!
    const most = Math.sqrt(6 / (from + to))
    const weights = new Float32Array(from * to)
    if (stream) for (let at = 0; at < weights.length; at++) weights[at] = most * (2 * stream.uniform() - 1)
    return [
      { dims: [from, to], initial: weights },
      { dims: [to], initial: new Float32Array(to) },
    ]
  })
}

function ports(parameters: readonly Parameter[], letter = 'p'): OnnxPort[] {
  return parameters.map(({ dims }, at) => ({ name: `${letter}.${at}`, type: 'float32', dims }))
}

class Nodes {
  readonly #nodes: OnnxNode[] = []
  readonly #constants: OnnxTensor[] = []

  add(
    op: string,
    inputs: readonly string[],
    attributes: Record<string, AttributeValue> = {},
    output = `v${this.#nodes.length}`,
  ): string {
    this.#nodes.push({
      op,
      domain: '',
      name: '',
      inputs,
      outputs: [output],
      attributes: new Map(Object.entries(attributes)),
      metadata: new Map(),
    })
    return output
  }

  ints(values: readonly number[]): string {
    return this.#constant('int64', [values.length], new Uint8Array(BigInt64Array.from(values, BigInt).buffer))
  }

  floats(values: readonly number[]): string {
    return this.#constant('float32', [values.length], new Uint8Array(Float32Array.from(values).buffer))
  }

  encode(inputs: readonly OnnxPort[], outputs: readonly OnnxPort[]): Uint8Array {
    return encodeOnnx({
      irVersion: 9,
      opsets: new Map([['', 18]]),
      name: 'perceptron',
      inputs,
      outputs,
      initializers: this.#constants,
      nodes: this.#nodes,
    })
  }

  #constant(type: OnnxTensor['type'], dims: readonly number[], data: Uint8Array): string {
    const name = `c${this.#constants.length}`
    this.#constants.push({ name, type, dims, data })
    return name
  }
}
