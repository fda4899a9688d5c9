import { axisOf, intOf } from '../attributes.ts'
import { need, shapeError, type ShapeRule } from './shape-of.ts'

/** LayerNormalization gives its mean and inverse deviation too, which its gradient uses. */
const layer: ShapeRule = (node) => {
  const { type, dims } = need(node, 0)
  const axis = axisOf(intOf(node, 'axis', -1), dims.length, node.where)
  const statistics = { type: 'float32' as const, dims: dims.map((dim, i) => (i < axis ? dim : 1)) }
  return [{ type, dims }, statistics, statistics]
}

/** Scale and bias, and running mean and variance, have one entry for each channel. */
const channels: ShapeRule = (node) => {
  const { type, dims } = need(node, 0)
  const each = node.op === 'BatchNormalization' ? [1, 2, 3, 4] : [1, 2]
  const fits = each.every((index) => String(need(node, index).dims) === String(dims[1]))
  if (dims.length < 2 || !fits) throw shapeError(node, 'there is not one entry for each channel')
  return [{ type, dims }]
}

/** Normalisations. */
export const normaliseShapes: readonly (readonly [string, ShapeRule])[] = [
  ['LayerNormalization', layer],
  ['InstanceNormalization', channels],
  ['BatchNormalization', channels],
]
