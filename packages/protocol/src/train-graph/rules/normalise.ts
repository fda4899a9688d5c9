import { axisOf, floatOf, intOf } from '../attributes.ts'
import type { GraphBuilder } from '../builder.ts'
import { inputOf, type Node, type Value } from '../ir.ts'
import { averaged, minus, plus, reshaped, times, unbroadcast } from '../math.ts'
import { first, type Rule } from './rule.ts'

/** A normalised input, what it was divided by (inverse), and the axes that mean and deviation are of. */
interface Normalised {
  readonly hat: Value
  readonly inverse: Value
  readonly axes: readonly number[]
}

/** The normalised input of a LayerNormalization, from the statistics that the node gives beside its output. */
export function layerOf(b: GraphBuilder, node: Node): Normalised {
  const x = inputOf(node, 0)
  const [, mean, inverse] = node.outputs
  const axis = axisOf(intOf(node, 'axis', -1), x.dims.length, node.where)
  const axes = [...x.dims.keys()].slice(axis)
  return { hat: times(b, minus(b, x, mean!), inverse!), inverse: inverse!, axes }
}

/** The normalised input of an InstanceNormalization, whose statistics the operator keeps to itself. */
export function instanceOf(b: GraphBuilder, node: Node): Normalised {
  const x = inputOf(node, 0)
  const axes = [...x.dims.keys()].slice(2)
  const centred = minus(b, x, averaged(b, x, axes))
  const variance = averaged(b, times(b, centred, centred), axes)
  const epsilon = b.scalar(floatOf(node, 'epsilon', 1e-5), x)
  const inverse = b.add('Reciprocal', [b.add('Sqrt', [plus(b, variance, epsilon)])])
  return { hat: times(b, centred, inverse), inverse, axes }
}

/** One entry for each channel, in the shape that broadcasts over examples and space. */
export function perChannel(b: GraphBuilder, value: Value, rank: number): Value {
  return reshaped(b, value, [value.dims[0]!, ...Array.from({ length: rank - 2 }, () => 1)])
}

/** Gradient of the input of a normalisation from that of the normalised. */
function backward(b: GraphBuilder, g: Value, { hat, inverse, axes }: Normalised): Value {
  const centred = minus(b, g, averaged(b, g, axes))
  return times(b, minus(b, centred, times(b, hat, averaged(b, times(b, g, hat), axes))), inverse)
}

const layer: Rule = (b, node, grads) => {
  const [scale, bias] = [inputOf(node, 1), node.inputs[2]]
  const g = first(grads)
  return [
    () => backward(b, times(b, g, scale), layerOf(b, node)),
    () => unbroadcast(b, times(b, g, layerOf(b, node).hat), scale.dims),
    bias && (() => unbroadcast(b, g, bias.dims)),
  ]
}

const instance: Rule = (b, node, grads) => {
  const [x, scale] = [inputOf(node, 0), inputOf(node, 1)]
  const g = first(grads)
  const summedTo = (value: Value): Value =>
    reshaped(b, unbroadcast(b, value, perChannel(b, scale, x.dims.length).dims), scale.dims)
  return [
    () => backward(b, times(b, g, perChannel(b, scale, x.dims.length)), instanceOf(b, node)),
    () => summedTo(times(b, g, instanceOf(b, node).hat)),
    () => summedTo(g),
  ]
}

/** BatchNormalization for inference: the running statistics are constants, what is left is an affine map. */
const batch: Rule = (b, node, grads) => {
  const [x, scale, , mean, variance] = node.inputs as readonly Value[]
  const { length } = x!.dims
  const g = first(grads)
  const inverse = (): Value => {
    const epsilon = b.scalar(floatOf(node, 'epsilon', 1e-5), x!)
    return perChannel(b, b.add('Reciprocal', [b.add('Sqrt', [plus(b, variance!, epsilon)])]), length)
  }
  const summedTo = (value: Value): Value =>
    reshaped(b, unbroadcast(b, value, perChannel(b, scale!, length).dims), scale!.dims)
  return [
    () => times(b, g, times(b, perChannel(b, scale!, length), inverse())),
    () => summedTo(times(b, g, times(b, minus(b, x!, perChannel(b, mean!, length)), inverse()))),
    () => summedTo(g),
    undefined,
    undefined,
  ]
}

/** Normalisations. */
export const normaliseRules: readonly (readonly [string, Rule])[] = [
  ['LayerNormalization', layer],
  ['InstanceNormalization', instance],
  ['BatchNormalization', batch],
]
