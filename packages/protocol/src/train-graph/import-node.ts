import type { OnnxNode } from '../onnx/index.ts'
import { attributesOf, floatOf, intOf, intsOf, wordOf } from './attributes.ts'
import type { GraphBuilder, NodeOptions } from './builder.ts'
import { graphError } from './errors.ts'
import type { Value } from './ir.ts'
import { plus, scaled, times } from './math.ts'

/** What is known about the graph that a node comes from. */
interface From {
  readonly opset: number
  readonly where: string
}

/** Operators whose graph depends on data, or that draw numbers: no train graph has them. */
const REFUSED: Readonly<Record<string, string>> = {
  ...Object.fromEntries(['If', 'Loop', 'Scan'].map((op) => [op, 'control flow has no gradient here'])),
  ...Object.fromEntries(
    [
      'RandomNormal',
      'RandomNormalLike',
      'RandomUniform',
      'RandomUniformLike',
      'Multinomial',
      'Bernoulli',
    ].map((op) => [op, 'operator draws random numbers, so that a step could not be repeated']),
  ),
}

/** Reductions whose axes became an input in opset 18. */
const REDUCTIONS = new Set([
  'ReduceMean',
  'ReduceMax',
  'ReduceMin',
  'ReduceProd',
  'ReduceSumSquare',
  'ReduceL2',
])

/**
 * Adds one node of an owner's graph as opset 18 has it.
 *
 * @throws `GRAPH_NO_RULE`, `GRAPH_SHAPE`
 */
export function addImported(
  b: GraphBuilder,
  node: OnnxNode,
  inputs: readonly (Value | undefined)[],
  { opset, where }: From,
): readonly Value[] {
  const { op } = node
  const refused = Object.hasOwn(REFUSED, op) ? REFUSED[op] : undefined
  if (refused !== undefined) throw graphError('GRAPH_NO_RULE', refused, where)
  const at = { attributes: node.attributes, where }
  const options: NodeOptions = { ...at, count: node.outputs.length }
  if (op === 'Constant') return [constantOf(b, node, where)]
  if (op === 'Dropout') return dropout(b, inputs, where)
  if (op === 'Gelu') return [gelu(b, inputs[0]!, wordOf(at, 'approximate', 'none') === 'tanh')]
  if (REDUCTIONS.has(op) && opset < 18) {
    const axes = intsOf(at, 'axes')
    return b.addNode(op, [inputs[0], axes && b.ints(axes)], { ...options, attributes: without(node, 'axes') })
  }
  if (op === 'Split') return b.addNode(op, inputs, { ...options, attributes: splitAttributes(node, inputs) })
  if (op === 'Conv' || op === 'MaxPool' || op === 'AveragePool')
    return b.addNode(op, inputs, { ...options, attributes: withPads(node, inputs, where) })
  if (op === 'BatchNormalization' && intOf(at, 'training_mode', 0) !== 0)
    throw graphError('GRAPH_NO_RULE', 'BatchNormalization in training mode mixes examples', where)
  if (op === 'LayerNormalization' && intOf(at, 'stash_type', 1) !== 1)
    throw graphError('GRAPH_NO_RULE', 'LayerNormalization with statistics of another type', where)
  return b.addNode(op, inputs, options)
}

function constantOf(b: GraphBuilder, node: OnnxNode, where: string): Value {
  const value = node.attributes.get('value')
  if (value && 'tensor' in value) return b.constant(value.tensor)
  const at = { attributes: node.attributes, where }
  if (node.attributes.has('value_float')) return b.numbers([], [floatOf(at, 'value_float', 0)], 'float32')
  if (node.attributes.has('value_int')) return b.numbers([], [intOf(at, 'value_int', 0)], 'int64')
  const ints = intsOf(at, 'value_ints')
  if (ints === undefined)
    throw graphError('GRAPH_NO_RULE', 'constant is of a kind that is not read here', where)
  return b.ints(ints)
}

/** Dropout of a graph for inference does nothing. */
function dropout(
  b: GraphBuilder,
  [x, , training]: readonly (Value | undefined)[],
  where: string,
): readonly Value[] {
  const mode = training && b.constantOf(training)
  if (training !== undefined && mode?.data.every((byte) => byte === 0) !== true)
    throw graphError('GRAPH_NO_RULE', 'Dropout in training mode draws random numbers', where)
  return [x!]
}

/** Gelu-20 in operators of opset 18. */
function gelu(b: GraphBuilder, x: Value, isTanh: boolean): Value {
  const cube = times(b, times(b, x, x), x)
  const inner = isTanh
    ? b.add('Tanh', [scaled(b, plus(b, x, scaled(b, cube, 0.044715)), Math.sqrt(2 / Math.PI))])
    : b.add('Erf', [scaled(b, x, Math.SQRT1_2)])
  return scaled(b, times(b, x, plus(b, inner, b.scalar(1, x))), 0.5)
}

/** Split-18 wants to be told into how many parts, where it is not told their sizes. */
function splitAttributes(node: OnnxNode, inputs: readonly (Value | undefined)[]): OnnxNode['attributes'] {
  const rest = without(node, 'num_outputs')
  if (inputs[1] !== undefined) return rest
  return new Map([...rest, ...attributesOf({ num_outputs: node.outputs.length })])
}

/** `auto_pad` written out, which known shapes allow. */
function withPads(
  node: OnnxNode,
  inputs: readonly (Value | undefined)[],
  where: string,
): OnnxNode['attributes'] {
  const at = { attributes: node.attributes, where }
  const mode = wordOf(at, 'auto_pad', 'NOTSET')
  const rest = without(node, 'auto_pad')
  if (mode === 'NOTSET' || mode === 'VALID') return rest
  const space = inputs[0]!.dims.slice(2)
  const kernel = intsOf(at, 'kernel_shape') ?? inputs[1]?.dims.slice(2) ?? []
  const sizes = space.map((size, i) => {
    const stride = intsOf(at, 'strides')?.[i] ?? 1
    const reach = (intsOf(at, 'dilations')?.[i] ?? 1) * ((kernel[i] ?? 1) - 1) + 1
    const all = Math.max(0, (Math.ceil(size / stride) - 1) * stride + reach - size)
    return [Math.floor(all / 2), Math.ceil(all / 2)] as const
  })
  const [few, many] = [sizes.map(([few]) => few), sizes.map(([, many]) => many)]
  const pads = mode === 'SAME_UPPER' ? [...few, ...many] : [...many, ...few]
  if (!pads.every(Number.isSafeInteger)) throw graphError('GRAPH_SHAPE', 'window is false', where)
  return new Map([...rest, ...attributesOf({ pads })])
}

function without(node: OnnxNode, name: string): OnnxNode['attributes'] {
  return new Map([...node.attributes].filter(([key]) => key !== name))
}
