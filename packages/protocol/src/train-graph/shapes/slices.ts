import { axisOf, intOf } from '../attributes.ts'
import { need, shapeError, type Asked, type ShapeRule } from './shape-of.ts'

const concat: ShapeRule = (node) => {
  const { type, dims } = need(node, 0)
  const axis = axisOf(intOf(node, 'axis', 0), dims.length, node.where)
  let size = 0
  for (let i = 0; i < node.inputs.length; i++) {
    const next = need(node, i)
    const fits =
      next.dims.length === dims.length && next.dims.every((dim, k) => k === axis || dim === dims[k])
    if (!fits || next.type !== type) throw shapeError(node, 'shapes do not fit each other')
    size += next.dims[axis]!
  }
  return [{ type, dims: dims.with(axis, size) }]
}

/** Sizes of the parts along the axis of a Split. */
export function splitSizes(node: Asked): readonly number[] {
  const { dims } = need(node, 0)
  const size = dims[axisOf(intOf(node, 'axis', 0), dims.length, node.where)]!
  const given = node.integers(1)
  const part = Math.ceil(size / node.count)
  const sizes = given ?? Array.from({ length: node.count }, (_, i) => Math.min(part, size - i * part))
  const sum = sizes.reduce((sum, one) => sum + one, 0)
  if (sizes.length !== node.count || sizes.some((one) => one < 0) || sum !== size)
    throw shapeError(node, 'parts do not make the whole')
  return sizes
}

const split: ShapeRule = (node) => {
  const { type, dims } = need(node, 0)
  const axis = axisOf(intOf(node, 'axis', 0), dims.length, node.where)
  return splitSizes(node).map((size) => ({ type, dims: dims.with(axis, size) }))
}

/** What a Slice takes of each axis: from `start` in steps, `count` elements. */
export interface Taken {
  readonly start: number
  readonly step: number
  readonly count: number
}

/** Slice-13 as one entry for each axis of its input. */
export function takenOf(node: Asked): readonly Taken[] {
  const { dims } = need(node, 0)
  const [starts, ends] = [node.integers(1), node.integers(2)]
  if (starts === undefined || ends?.length !== starts.length) throw shapeError(node, 'bounds are missing')
  const axes = node.integers(3) ?? starts.map((_, i) => i)
  const steps = node.integers(4) ?? starts.map(() => 1)
  const taken: Taken[] = dims.map((count) => ({ start: 0, step: 1, count }))
  for (const [i, given] of axes.entries()) {
    const axis = axisOf(given, dims.length, node.where)
    const [size, step] = [dims[axis]!, steps[i] ?? 0]
    if (step === 0) throw shapeError(node, 'a step is 0')
    const clamp = (at: number, low: number, high: number): number =>
      Math.max(low, Math.min(high, at < 0 ? at + size : at))
    const start = step > 0 ? clamp(starts[i]!, 0, size) : clamp(starts[i]!, 0, size - 1)
    const end = step > 0 ? clamp(ends[i]!, 0, size) : clamp(ends[i]!, -1, size - 1)
    taken[axis] = { start, step, count: Math.max(0, Math.ceil((end - start) / step)) }
  }
  return taken
}

const slice: ShapeRule = (node) => [
  { type: need(node, 0).type, dims: takenOf(node).map(({ count }) => count) },
]

const gather: ShapeRule = (node) => {
  const [data, indices] = [need(node, 0), need(node, 1)]
  const axis = axisOf(intOf(node, 'axis', 0), data.dims.length, node.where)
  return [{ type: data.type, dims: data.dims.toSpliced(axis, 1, ...indices.dims) }]
}

const gatherElements: ShapeRule = (node) => {
  const [data, indices] = [need(node, 0), need(node, 1)]
  const axis = axisOf(intOf(node, 'axis', 0), data.dims.length, node.where)
  const fits = indices.dims.every((dim, i) => i === axis || dim <= data.dims[i]!)
  if (indices.dims.length !== data.dims.length || !fits)
    throw shapeError(node, 'shapes do not fit each other')
  return [{ type: data.type, dims: indices.dims }]
}

const gatherNd: ShapeRule = (node) => {
  const [data, indices] = [need(node, 0), need(node, 1)]
  const batch = intOf(node, 'batch_dims', 0)
  const last = indices.dims.at(-1)
  if (last === undefined || batch < 0 || batch + last > data.dims.length)
    throw shapeError(node, 'shapes do not fit each other')
  return [{ type: data.type, dims: [...indices.dims.slice(0, -1), ...data.dims.slice(batch + last)] }]
}

/** ScatterElements and ScatterND: their first input with some elements changed. */
const scatter: ShapeRule = (node) => {
  const { type, dims } = need(node, 0)
  return [{ type, dims }]
}

/** Pad with constant bounds, none of which is negative. */
const pad: ShapeRule = (node) => {
  const { type, dims } = need(node, 0)
  const pads = node.integers(1)
  if (pads?.length !== 2 * dims.length || node.inputs[3] !== undefined || pads.some((size) => size < 0))
    throw shapeError(node, 'pads are missing or cut')
  return [{ type, dims: dims.map((dim, i) => dim + pads[i]! + pads[i + dims.length]!) }]
}

/** Operators that take parts of tensors, or put them together. */
export const sliceShapes: readonly (readonly [string, ShapeRule])[] = [
  ['Concat', concat],
  ['Split', split],
  ['Slice', slice],
  ['Gather', gather],
  ['GatherElements', gatherElements],
  ['GatherND', gatherNd],
  ['ScatterElements', scatter],
  ['ScatterND', scatter],
  ['Pad', pad],
]
