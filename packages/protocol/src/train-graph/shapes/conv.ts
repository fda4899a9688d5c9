import { type Attributed, intOf, intsOf } from '../attributes.ts'
import { need, shapeError, type Asked, type ShapeRule } from './shape-of.ts'

/** How a window moves over space; one entry for each axis of space, pads first at the beginnings, then at the ends. */
export interface Window {
  readonly kernel: readonly number[]
  readonly strides: readonly number[]
  readonly dilations: readonly number[]
  readonly pads: readonly number[]
}

/** The window of a Conv or a pool. `auto_pad` was written out when the graph was read. */
export function windowOf(node: Attributed, kernel: readonly number[]): Window {
  const ones = kernel.map(() => 1)
  return {
    kernel,
    strides: intsOf(node, 'strides') ?? ones,
    dilations: intsOf(node, 'dilations') ?? ones,
    pads: intsOf(node, 'pads') ?? kernel.flatMap(() => [0, 0]),
  }
}

/** Places that a window has along each axis. */
function placesOf(
  node: Asked,
  space: readonly number[],
  { kernel, strides, dilations, pads }: Window,
): number[] {
  const rank = space.length
  if (
    kernel.length !== rank ||
    strides.length !== rank ||
    dilations.length !== rank ||
    pads.length !== 2 * rank
  )
    throw shapeError(node, 'window has another number of axes')
  const isUp = intOf(node, 'ceil_mode', 0) === 1
  return space.map((size, i) => {
    const [step, before] = [strides[i]!, pads[i]!]
    if (step < 1 || dilations[i]! < 1 || kernel[i]! < 1 || before < 0 || pads[i + rank]! < 0)
      throw shapeError(node, 'window is false')
    const room = size + before + pads[i + rank]! - (dilations[i]! * (kernel[i]! - 1) + 1)
    let places = (isUp ? Math.ceil(room / step) : Math.floor(room / step)) + 1
    // The last window must begin inside of the input or the pad before it.
    if (isUp && (places - 1) * step >= size + before) places--
    if (places < 1) throw shapeError(node, 'window is larger than its input')
    return places
  })
}

const conv: ShapeRule = (node) => {
  const [x, w] = [need(node, 0), need(node, 1)]
  const groups = intOf(node, 'group', 1)
  if (
    x.dims.length < 3 ||
    w.dims.length !== x.dims.length ||
    x.dims[1] !== w.dims[1]! * groups ||
    w.dims[0]! % groups
  )
    throw shapeError(node, 'shapes do not fit each other')
  const places = placesOf(node, x.dims.slice(2), windowOf(node, w.dims.slice(2)))
  return [{ type: x.type, dims: [x.dims[0]!, w.dims[0]!, ...places] }]
}

/** ConvTranspose as gradients use it: the shape is told by `output_padding`. */
const convTranspose: ShapeRule = (node) => {
  const [x, w] = [need(node, 0), need(node, 1)]
  const space = x.dims.slice(2)
  const { kernel, strides, dilations, pads } = windowOf(node, w.dims.slice(2))
  const extra = intsOf(node, 'output_padding') ?? space.map(() => 0)
  if (x.dims[1] !== w.dims[0] || kernel.length !== space.length)
    throw shapeError(node, 'shapes do not fit each other')
  const sizes = space.map(
    (size, i) =>
      (size - 1) * strides[i]! +
      extra[i]! +
      dilations[i]! * (kernel[i]! - 1) +
      1 -
      pads[i]! -
      pads[i + space.length]!,
  )
  return [{ type: x.type, dims: [x.dims[0]!, w.dims[1]! * intOf(node, 'group', 1), ...sizes] }]
}

const pool: ShapeRule = (node) => {
  const { type, dims } = need(node, 0)
  const window = windowOf(node, intsOf(node, 'kernel_shape') ?? [])
  if (dims.length < 3 || intOf(node, 'storage_order', 0) !== 0) throw shapeError(node, 'input has no space')
  const places = [dims[0]!, dims[1]!, ...placesOf(node, dims.slice(2), window)]
  if (node.op === 'AveragePool') return [{ type, dims: places }]
  return [
    { type, dims: places },
    { type: 'int64', dims: places },
  ]
}

/** Windows that move over space. */
export const convShapes: readonly (readonly [string, ShapeRule])[] = [
  ['Conv', conv],
  ['ConvTranspose', convTranspose],
  ['MaxPool', pool],
  ['AveragePool', pool],
]
