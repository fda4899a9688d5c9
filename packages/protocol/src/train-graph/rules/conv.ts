import { intOf } from '../attributes.ts'
import type { GraphBuilder } from '../builder.ts'
import { inputOf, type Node, type Value } from '../ir.ts'
import { reordered, reshaped, summed } from '../math.ts'
import { type Window, windowOf } from '../shapes/conv.ts'
import { first, type Rule } from './rule.ts'

const conv: Rule = (b, node, grads) => {
  const [x, w, bias] = [inputOf(node, 0), inputOf(node, 1), node.inputs[2]]
  const g = first(grads)
  const window = windowOf(node, w.dims.slice(2))
  return [
    () => unconv(b, g, w, x.dims.slice(2), window, intOf(node, 'group', 1)),
    () => reshaped(b, kernelGradient(b, node, g, 1), w.dims),
    bias && (() => summed(b, g, [0, ...[...g.dims.keys()].slice(2)], false)),
  ]
}

/** What a convolution's input gets from the gradient of its output: each window adds to the places that it saw. */
export function unconv(
  b: GraphBuilder,
  g: Value,
  w: Value,
  space: readonly number[],
  { kernel, strides, dilations, pads }: Window,
  group: number,
): Value {
  const rank = space.length
  // The places at the end that no window reached.
  const extra = space.map((size, i) => {
    const reach = dilations[i]! * (kernel[i]! - 1) + 1
    return size - ((g.dims[i + 2]! - 1) * strides[i]! + reach - pads[i]! - pads[i + rank]!)
  })
  // A pad at the end that no window used is less than nothing to add: then the pad is made smaller.
  const ends = extra.map((size, i) => pads[i + rank]! + Math.min(0, size))
  return b.add('ConvTranspose', [g, w], {
    strides,
    dilations,
    group,
    pads: [...pads.slice(0, rank), ...ends],
    output_padding: extra.map((size) => Math.max(0, size)),
  })
}

/**
 * Gradient of a kernel for each of `parts` equal parts of the examples, as a convolution of the input with the
 * gradient of the output, in which examples and channels change places and strides and dilations too:
 * [parts, M, C/group, kernel].
 */
export function kernelGradient(b: GraphBuilder, node: Node, g: Value, parts: number): Value {
  const [x, w] = [inputOf(node, 0), inputOf(node, 1)]
  const group = intOf(node, 'group', 1)
  const { kernel, strides, dilations, pads } = windowOf(node, w.dims.slice(2))
  const each = x.dims[0]! / parts
  const [space, places] = [x.dims.slice(2), g.dims.slice(2)]
  const [perInput, perOutput] = [x.dims[1]! / group, w.dims[0]! / group]
  const rest = (from: number): number[] => space.map((_, i) => from + i)
  // [parts, each, group, C, ...] to [C, (parts, group, each), ...]
  const seen = reordered(b, reshaped(b, x, [parts, each, group, perInput, ...space]), [
    3,
    0,
    2,
    1,
    ...rest(4),
  ])
  const images = reshaped(b, seen, [perInput, parts * group * each, ...space])
  // [parts, each, group, M, ...] to [(parts, group, M), each, ...]
  const given = reordered(b, reshaped(b, g, [parts, each, group, perOutput, ...places]), [
    0,
    2,
    3,
    1,
    ...rest(4),
  ])
  const kernels = reshaped(b, given, [parts * g.dims[1]!, each, ...places])
  const all = b.add('Conv', [images, kernels], {
    strides: dilations,
    dilations: strides,
    pads,
    group: parts * group,
  })
  // Places beyond the kernel are those where a last window would have been, had it fitted.
  const cut = b.add('Slice', [all, b.ints(kernel.map(() => 0)), b.ints(kernel), b.ints(rest(2))])
  const split = reshaped(b, cut, [perInput, parts, w.dims[0]!, ...kernel])
  return reordered(b, split, [1, 2, 0, ...rest(3)])
}

/** Convolutions. */
export const convRules: readonly (readonly [string, Rule])[] = [['Conv', conv]]
