import { countOf } from '../../onnx/index.ts'
import { floatOf, intOf } from '../attributes.ts'
import type { GraphBuilder } from '../builder.ts'
import { inputOf, type Value } from '../ir.ts'
import { reshaped, scaled, turned, unbroadcast } from '../math.ts'
import { first, type Rule } from './rule.ts'

const matmul: Rule = (b, node, grads) => {
  const [x, y] = [inputOf(node, 0), inputOf(node, 1)]
  const g = first(grads)
  return [
    () => unbroadcast(b, b.add('MatMul', [g, turned(b, y)]), x.dims),
    () => {
      // A matrix for all rows: one product instead of one for each stack, which would then be summed.
      if (y.dims.length === 2 && x.dims.length > 2) return product(b, rowsOf(b, x), rowsOf(b, g), true)
      return unbroadcast(b, b.add('MatMul', [turned(b, x), g]), y.dims)
    },
  ]
}

/** All dimensions but the last as one. */
export function rowsOf(b: GraphBuilder, x: Value): Value {
  const columns = x.dims.at(-1)!
  return reshaped(b, x, [countOf(x.dims.slice(0, -1)), columns])
}

/** x·y of matrices, or xᵀ·y. */
export function product(b: GraphBuilder, x: Value, y: Value, isTurned: boolean = false): Value {
  return isTurned ? b.add('Gemm', [x, y], { transA: 1 }) : b.add('MatMul', [x, y])
}

const gemm: Rule = (b, node, grads) => {
  const [x, y, c] = [inputOf(node, 0), inputOf(node, 1), node.inputs[2]]
  const [turnX, turnY] = [intOf(node, 'transA', 0), intOf(node, 'transB', 0)]
  const scaledBy = { alpha: { float: floatOf(node, 'alpha', 1) } }
  const g = first(grads)
  return [
    () =>
      turnX
        ? b.add('Gemm', [y, g], { ...scaledBy, transA: turnY, transB: 1 })
        : b.add('Gemm', [g, y], { ...scaledBy, transB: 1 - turnY }),
    () =>
      turnY
        ? b.add('Gemm', [g, x], { ...scaledBy, transA: 1, transB: turnX })
        : b.add('Gemm', [x, g], { ...scaledBy, transA: 1 - turnX }),
    c && (() => scaled(b, unbroadcast(b, g, c.dims), floatOf(node, 'beta', 1))),
  ]
}

/** Products of matrices. */
export const matmulRules: readonly (readonly [string, Rule])[] = [
  ['MatMul', matmul],
  ['Gemm', gemm],
]
