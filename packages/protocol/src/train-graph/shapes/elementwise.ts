import { elementTypeOf } from '../../onnx/index.ts'
import { axisOf, intOf } from '../attributes.ts'
import { broadcast, need, shapeError, type ShapeRule } from './shape-of.ts'

/** Same shape and type as the first input. */
const same: ShapeRule = (node) => {
  const { type, dims } = need(node, 0)
  return [{ type, dims }]
}

/** All inputs broadcast to each other; their type is one. */
const together: ShapeRule = (node) => {
  const first = need(node, 0)
  let dims = first.dims
  for (let i = 1; i < node.inputs.length; i++) {
    const next = need(node, i)
    if (next.type !== first.type && node.op !== 'Pow') throw shapeError(node, 'types of inputs differ')
    dims = broadcast(dims, next.dims, node)
  }
  return [{ type: first.type, dims }]
}

const compared: ShapeRule = (node) => together(node).map(({ dims }) => ({ type: 'bool' as const, dims }))

const tested: ShapeRule = (node) => [{ type: 'bool', dims: need(node, 0).dims }]

const cast: ShapeRule = (node) => {
  const type = elementTypeOf(intOf(node, 'to', 0))
  if (type === undefined) throw shapeError(node, 'cast to a type that is not known here')
  return [{ type, dims: need(node, 0).dims }]
}

const where: ShapeRule = (node) => {
  const [condition, a, b] = [need(node, 0), need(node, 1), need(node, 2)]
  if (a.type !== b.type || condition.type !== 'bool') throw shapeError(node, 'types of inputs differ')
  return [{ type: a.type, dims: broadcast(condition.dims, broadcast(a.dims, b.dims, node), node) }]
}

/** Along one axis, without changing the shape. */
const along: ShapeRule = (node) => {
  const { dims } = need(node, 0)
  axisOf(intOf(node, 'axis', -1), dims.length, node.where)
  return same(node)
}

const SAME =
  'Relu Sigmoid Tanh Exp Log Sqrt Abs Neg Reciprocal Erf Softplus Identity Sign Cos Sin Ceil Floor Round LeakyRelu Elu Clip Not CumSum Trilu Softsign'
const TOGETHER = 'Add Sub Mul Div Pow Min Max Mod And Or Xor'
const COMPARED = 'Equal Less LessOrEqual Greater GreaterOrEqual'

/** Operators that work on each element by itself, or along an axis without changing the shape. */
export const elementwiseShapes: readonly (readonly [string, ShapeRule])[] = [
  ...SAME.split(' ').map((op) => [op, same] as const),
  ...TOGETHER.split(' ').map((op) => [op, together] as const),
  ...COMPARED.split(' ').map((op) => [op, compared] as const),
  ['IsNaN', tested],
  ['IsInf', tested],
  ['Cast', cast],
  ['Where', where],
  ['Softmax', along],
  ['LogSoftmax', along],
]
