import { intOf } from '../attributes.ts'
import { broadcast, need, shapeError, type ShapeRule } from './shape-of.ts'

/** MatMul as numpy has it; a vector is a row on the left and a column on the right. */
const matmul: ShapeRule = (node) => {
  const [a, b] = [need(node, 0), need(node, 1)]
  if (a.dims.length < 2 || b.dims.length < 2 || a.type !== b.type)
    throw shapeError(node, 'factors are no matrices of one type')
  const [rows, inner] = a.dims.slice(-2)
  const [same, columns] = b.dims.slice(-2)
  if (inner !== same) throw shapeError(node, 'shapes do not fit each other')
  return [
    { type: a.type, dims: [...broadcast(a.dims.slice(0, -2), b.dims.slice(0, -2), node), rows!, columns!] },
  ]
}

const gemm: ShapeRule = (node) => {
  const [a, b, c] = [need(node, 0), need(node, 1), node.inputs[2]]
  if (a.dims.length !== 2 || b.dims.length !== 2) throw shapeError(node, 'factors are no matrices')
  const [rows, inner] = intOf(node, 'transA', 0) ? a.dims.toReversed() : a.dims
  const [same, columns] = intOf(node, 'transB', 0) ? b.dims.toReversed() : b.dims
  const dims = [rows!, columns!]
  if (inner !== same) throw shapeError(node, 'shapes do not fit each other')
  if (c && String(broadcast(c.dims, dims, node)) !== String(dims))
    throw shapeError(node, 'the term to add is too large')
  return [{ type: a.type, dims }]
}

/** Products of matrices. */
export const matmulShapes: readonly (readonly [string, ShapeRule])[] = [
  ['MatMul', matmul],
  ['Gemm', gemm],
]
