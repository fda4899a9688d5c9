import { countOf } from '../../onnx/index.ts'
import { intOf, intsOf } from '../attributes.ts'
import { inputOf } from '../ir.ts'
import { reshaped, times, zeros } from '../math.ts'
import { type Window, windowOf } from '../shapes/conv.ts'
import { unconv } from './conv.ts'
import { first, noRule, type Rule } from './rule.ts'

/** The gradient goes to the place that was the largest: the operator gives its index in the whole input. */
const max: Rule = (b, node, grads) => [
  () => {
    const x = inputOf(node, 0)
    const size = countOf(x.dims)
    const [at, g] = [node.outputs[1]!, first(grads)]
    const flat = [countOf(g.dims)]
    const sum = b.add('ScatterElements', [zeros(b, x, [size]), reshaped(b, at, flat), reshaped(b, g, flat)], {
      axis: 0,
      reduction: 'add',
    })
    return reshaped(b, sum, x.dims)
  },
]

/** Places of an average pool, and elements of its window, whose shares are computed while a graph is built. */
const MAX_PLACES = 2 ** 20

/** Each place gets its share of every window that it is in. */
const average: Rule = (b, node, grads) => [
  () => {
    const x = inputOf(node, 0)
    const g = first(grads)
    const window = windowOf(node, intsOf(node, 'kernel_shape') ?? [])
    const [space, places] = [x.dims.slice(2), g.dims.slice(2)]
    // A window may be larger than what it moves over, by pads of any size.
    if (countOf(places) > MAX_PLACES || countOf(window.kernel) > MAX_PLACES)
      throw noRule(node, 'more places or a larger window than are counted here')
    const shares = sharesOf(space, places, window, intOf(node, 'count_include_pad', 0) === 1)
    const shared = times(b, g, b.numbers(places, shares, 'float32'))
    const images = reshaped(b, shared, [countOf(x.dims.slice(0, 2)), 1, ...places])
    const ones = b.numbers(
      [1, 1, ...window.kernel],
      Array.from({ length: countOf(window.kernel) }, () => 1),
      'float32',
    )
    return reshaped(b, unconv(b, images, ones, space, window, 1), x.dims)
  },
]

/** One divided by the elements of each window. */
function sharesOf(
  space: readonly number[],
  places: readonly number[],
  { kernel, strides, dilations, pads }: Window,
  countsPads: boolean,
): number[] {
  const rank = space.length
  const along = places.map((count, i) =>
    Array.from({ length: count }, (_, place) => {
      const start = place * strides[i]! - pads[i]!
      const [low, high] = countsPads ? [-pads[i]!, space[i]! + pads[i + rank]!] : [0, space[i]!]
      return Array.from({ length: kernel[i]! }, (_, k) => start + k * dilations[i]!).filter(
        (at) => at >= low && at < high,
      ).length
    }),
  )
  return along.reduce<number[]>(
    (all, counts) => all.flatMap((sum) => counts.map((count) => sum / count)),
    [1],
  )
}

/** Pools. */
export const poolRules: readonly (readonly [string, Rule])[] = [
  ['MaxPool', max],
  ['AveragePool', average],
]
