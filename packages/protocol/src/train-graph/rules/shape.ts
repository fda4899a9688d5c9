import { axisOf, intOf } from '../attributes.ts'
import { inputOf } from '../ir.ts'
import { expanded, reordered, reshaped, scaled, unbroadcast } from '../math.ts'
import { orderOf } from '../shapes/reshape.ts'
import { constantInts, first, noRule, type Rule } from './rule.ts'

/** Back to the shape of the input. */
const reshape: Rule = (b, node, grads) => [() => reshaped(b, first(grads), inputOf(node, 0).dims)]

const transpose: Rule = (b, node, grads) => {
  const order = orderOf(node, inputOf(node, 0).dims.length)
  return [
    () =>
      reordered(
        b,
        first(grads),
        [...order.keys()].sort((i, k) => order[i]! - order[k]!),
      ),
  ]
}

const expand: Rule = (b, node, grads) => [() => unbroadcast(b, first(grads), inputOf(node, 0).dims)]

/** A sum over axes, or a mean: each element gets the gradient of what it went into. */
const reduce: Rule = (b, node, grads) => [
  () => {
    const { dims } = inputOf(node, 0)
    const given = constantInts(b, node.inputs[1])
    if (node.inputs[1] !== undefined && given === undefined) throw noRule(node, 'the axes are not known')
    const isAll = given === undefined || given.length === 0
    if (isAll && intOf(node, 'noop_with_empty_axes', 0) === 1) return first(grads)
    const axes = isAll ? [...dims.keys()] : given.map((axis) => axisOf(axis, dims.length, node.where))
    const kept = dims.map((dim, i) => (axes.includes(i) ? 1 : dim))
    const count = axes.reduce((count, axis) => count * dims[axis]!, 1)
    const g = scaled(b, reshaped(b, first(grads), kept), node.op === 'ReduceMean' ? 1 / count : 1)
    return expanded(b, g, dims)
  },
]

const overSpace: Rule = (b, node, grads) => [
  () => {
    const { dims } = inputOf(node, 0)
    const count = dims.slice(2).reduce((count, dim) => count * dim, 1)
    return expanded(b, scaled(b, first(grads), 1 / count), dims)
  },
]

/** Operators that arrange, repeat or sum elements. */
export const shapeRules: readonly (readonly [string, Rule])[] = [
  ...['Reshape', 'Flatten', 'Squeeze', 'Unsqueeze'].map((op) => [op, reshape] as const),
  ['Transpose', transpose],
  ['Expand', expand],
  ['ReduceSum', reduce],
  ['ReduceMean', reduce],
  ['GlobalAveragePool', overSpace],
]
