import { axisOf, intOf } from '../attributes.ts'
import { need, type Asked, type ShapeRule } from './shape-of.ts'

/** The axes that a reduction of opset 18 sums over: all when none are given, unless it says that this means none. */
export function reducedAxes(node: Asked): readonly number[] {
  const { length } = need(node, 0).dims
  const given = node.integers(1)
  if (given !== undefined && given.length > 0) return given.map((axis) => axisOf(axis, length, node.where))
  return intOf(node, 'noop_with_empty_axes', 0) === 1 ? [] : Array.from({ length }, (_, i) => i)
}

const reduce: ShapeRule = (node) => {
  const { type, dims } = need(node, 0)
  const axes = reducedAxes(node)
  const keeps = intOf(node, 'keepdims', 1) === 1
  return [{ type, dims: dims.flatMap((dim, i) => (axes.includes(i) ? (keeps ? [1] : []) : [dim])) }]
}

const argument: ShapeRule = (node) => {
  const { dims } = need(node, 0)
  const axis = axisOf(intOf(node, 'axis', 0), dims.length, node.where)
  const keeps = intOf(node, 'keepdims', 1) === 1
  return [{ type: 'int64', dims: dims.toSpliced(axis, 1, ...(keeps ? [1] : [])) }]
}

const overSpace: ShapeRule = (node) => {
  const { type, dims } = need(node, 0)
  return [{ type, dims: dims.map((dim, i) => (i < 2 ? dim : 1)) }]
}

const REDUCTIONS = 'ReduceSum ReduceMean ReduceMax ReduceMin ReduceProd ReduceSumSquare ReduceL2'

/** Operators that make one element of many. */
export const reduceShapes: readonly (readonly [string, ShapeRule])[] = [
  ...REDUCTIONS.split(' ').map((op) => [op, reduce] as const),
  ['ArgMax', argument],
  ['ArgMin', argument],
  ['GlobalAveragePool', overSpace],
]
