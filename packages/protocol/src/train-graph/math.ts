import { countOf } from '../onnx/index.ts'
import type { GraphBuilder } from './builder.ts'
import type { Value } from './ir.ts'

/** a + b, broadcast to each other; as all here. */
export const plus = (b: GraphBuilder, x: Value, y: Value): Value => b.add('Add', [x, y])
export const minus = (b: GraphBuilder, x: Value, y: Value): Value => b.add('Sub', [x, y])
export const times = (b: GraphBuilder, x: Value, y: Value): Value => b.add('Mul', [x, y])
export const over = (b: GraphBuilder, x: Value, y: Value): Value => b.add('Div', [x, y])

/** x times a constant. */
export function scaled(b: GraphBuilder, x: Value, factor: number): Value {
  return factor === 1 ? x : times(b, x, b.scalar(factor, x))
}

/** The same elements in another shape. */
export function reshaped(b: GraphBuilder, from: Value, dims: readonly number[]): Value {
  const x = b.unshaped(from)
  for (const same of [from, x]) if (String(same.dims) === String(dims)) return same
  return b.add('Reshape', [x, b.ints(dims)], dims.includes(0) ? { allowzero: 1 } : {})
}

/** The axes in another order. */
export function reordered(b: GraphBuilder, x: Value, order: readonly number[]): Value {
  return order.every((axis, i) => axis === i) ? x : b.add('Transpose', [x], { perm: order })
}

/** The last two axes exchanged. */
export function turned(b: GraphBuilder, x: Value): Value {
  const { length } = x.dims
  return reordered(b, x, [...x.dims.keys()].slice(0, -2).concat(length - 1, length - 2))
}

/** Sum over axes, which become 1, or vanish. */
export function summed(b: GraphBuilder, x: Value, axes: readonly number[], keepdims: boolean = true): Value {
  if (axes.length === 0) return x
  return b.add('ReduceSum', [x, b.ints(axes)], { keepdims: Number(keepdims) })
}

/** Sum of the rows of a matrix: [1, columns]. As a product it takes the runtime a sixth of the time of a sum. */
export function summedRows(b: GraphBuilder, x: Value): Value {
  const ones = b.add('Expand', [b.scalar(1, x), b.ints([x.dims[0]!, 1])])
  return b.add('Gemm', [ones, x], { transA: 1 })
}

/** Mean over axes, which become 1. */
export function averaged(b: GraphBuilder, x: Value, axes: readonly number[]): Value {
  return b.add('ReduceMean', [x, b.ints(axes)])
}

/** The same elements, repeated along axes of 1. */
export function expanded(b: GraphBuilder, x: Value, dims: readonly number[]): Value {
  return String(x.dims) === String(dims) ? x : b.add('Expand', [x, b.ints(dims)])
}

/** Zeros. Made by the runtime, not stored. */
export function zeros(b: GraphBuilder, like: Value, dims: readonly number[]): Value {
  return b.add('Expand', [b.scalar(0, like), b.ints(dims)])
}

/** A truth as 1 or 0 of the type of `like`. */
export function asNumber(b: GraphBuilder, truth: Value, like: Value): Value {
  return b.add('Cast', [truth], { to: like.type === 'float64' ? 11 : 1 })
}

/** Sums what broadcasting repeated: the gradient of an input of these dimensions from that of the result. */
export function unbroadcast(b: GraphBuilder, g: Value, dims: readonly number[]): Value {
  if (String(g.dims) === String(dims)) return g
  const missing = g.dims.length - dims.length
  const axes = [...g.dims.keys()].filter(
    (axis) => axis < missing || (dims[axis - missing] === 1 && g.dims[axis] !== 1),
  )
  const isRows = g.dims.length === 2 && String(axes) === '0'
  const sum = isRows ? summedRows(b, g) : summed(b, g, axes)
  return countOf(sum.dims) === countOf(dims) ? reshaped(b, sum, dims) : sum
}
