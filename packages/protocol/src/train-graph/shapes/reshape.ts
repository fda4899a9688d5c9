import { countOf } from '../../onnx/index.ts'
import { axisOf, intOf, intsOf } from '../attributes.ts'
import { MAX_VALUE_ELEMENTS } from '../limits.ts'
import { broadcast, need, shapeError, type Asked, type ShapeRule } from './shape-of.ts'

/** Reshape-14: 0 keeps a dimension, one -1 is what is left. */
const reshape: ShapeRule = (node) => {
  const { type, dims } = need(node, 0)
  const wanted = node.integers(1)
  if (wanted === undefined) throw shapeError(node, 'shape is missing')
  const keepsZero = intOf(node, 'allowzero', 0) === 1
  const found = wanted.map((dim, i) => (dim === 0 && !keepsZero ? (dims[i] ?? 0) : dim))
  const known = countOf(found.filter((dim) => dim !== -1))
  const free = found.indexOf(-1)
  if (free >= 0) found[free] = known === 0 ? 0 : countOf(dims) / known
  if (found.some((dim) => !Number.isInteger(dim) || dim < 0) || countOf(found) !== countOf(dims))
    throw shapeError(node, `[${wanted.join(',')}] has another number of elements`)
  return [{ type, dims: found }]
}

const transpose: ShapeRule = (node) => {
  const { type, dims } = need(node, 0)
  const order = orderOf(node, dims.length)
  return [{ type, dims: order.map((axis) => dims[axis]!) }]
}

/** The order of axes of a Transpose; reversed by default. */
export function orderOf(node: Asked | Parameters<typeof intsOf>[0], rank: number): readonly number[] {
  const order = intsOf(node, 'perm') ?? Array.from({ length: rank }, (_, i) => rank - 1 - i)
  const isOrder = order.length === rank && order.toSorted((a, b) => a - b).every((axis, i) => axis === i)
  if (!isOrder) throw shapeError(node as Asked, 'order of axes is none')
  return order
}

const flatten: ShapeRule = (node) => {
  const { type, dims } = need(node, 0)
  const axis = intOf(node, 'axis', 1)
  const split = axis < 0 ? axis + dims.length : axis
  if (split < 0 || split > dims.length) throw shapeError(node, 'axis is outside')
  return [{ type, dims: [countOf(dims.slice(0, split)), countOf(dims.slice(split))] }]
}

const squeeze: ShapeRule = (node) => {
  const { type, dims } = need(node, 0)
  const axes = node.integers(1)?.map((axis) => axisOf(axis, dims.length, node.where))
  if (axes?.some((axis) => dims[axis] !== 1)) throw shapeError(node, 'a dimension to leave out is not 1')
  return [{ type, dims: dims.filter((dim, i) => (axes ? !axes.includes(i) : dim !== 1)) }]
}

const unsqueeze: ShapeRule = (node) => {
  const { type, dims } = need(node, 0)
  const given = node.integers(1)
  if (given === undefined) throw shapeError(node, 'axes are missing')
  const rank = dims.length + given.length
  const axes = new Set(given.map((axis) => axisOf(axis, rank, node.where)))
  if (axes.size !== given.length) throw shapeError(node, 'an axis occurs twice')
  const rest = [...dims]
  return [{ type, dims: Array.from({ length: rank }, (_, i) => (axes.has(i) ? 1 : rest.shift()!)) }]
}

const expand: ShapeRule = (node) => {
  const { type, dims } = need(node, 0)
  return [{ type, dims: broadcast(dims, shapeIn(node, 1), node) }]
}

/** A shape that an input holds. */
function shapeIn(node: Asked, index: number): readonly number[] {
  const dims = node.integers(index)
  if (dims === undefined || dims.some((dim) => dim < 0 || dim > MAX_VALUE_ELEMENTS))
    throw shapeError(node, 'shape is missing or false')
  return dims
}

const shape: ShapeRule = (node) => {
  const { length } = need(node, 0).dims
  const at = (axis: number): number => Math.max(0, Math.min(length, axis < 0 ? axis + length : axis))
  const count = at(intOf(node, 'end', length)) - at(intOf(node, 'start', 0))
  return [{ type: 'int64', dims: [Math.max(0, count)] }]
}

const constantOfShape: ShapeRule = (node) => {
  const value = node.attributes.get('value')
  const type = value && 'tensor' in value ? value.tensor.type : 'float32'
  return [{ type, dims: shapeIn(node, 0) }]
}

const range: ShapeRule = (node) => {
  const [start, limit, delta] = [0, 1, 2].map((i) => node.integers(i)?.[0])
  if (start === undefined || limit === undefined || !delta) throw shapeError(node, 'bounds are not known')
  return [{ type: need(node, 0).type, dims: [Math.max(0, Math.ceil((limit - start) / delta))] }]
}

/** Operators that change only how elements are arranged, or that make them. */
export const reshapeShapes: readonly (readonly [string, ShapeRule])[] = [
  ['Reshape', reshape],
  ['Transpose', transpose],
  ['Flatten', flatten],
  ['Squeeze', squeeze],
  ['Unsqueeze', unsqueeze],
  ['Expand', expand],
  ['Shape', shape],
  ['Size', () => [{ type: 'int64', dims: [] }]],
  ['ConstantOfShape', constantOfShape],
  ['Range', range],
]
