import { countOf } from '../../onnx/index.ts'
import type { BatchAxis } from '../batch-axis/axis.ts'
import type { GraphBuilder } from '../builder.ts'
import type { Value } from '../ir.ts'
import { over, reordered, reshaped, times } from '../math.ts'

/** A value with its examples as the first axis: [batch, before..., inner, after...]. */
export function byExample(b: GraphBuilder, value: Value, { axis, inner }: BatchAxis): Value {
  const { dims } = value
  const batch = dims[axis]! / inner
  const split = reshaped(b, value, [...dims.slice(0, axis), batch, inner, ...dims.slice(axis + 1)])
  const rest = [...split.dims.keys()].filter((at) => at !== axis)
  return reordered(b, split, [axis, ...rest])
}

/** As {@link byExample}, with the last dimension kept and those between as one: [batch, times, last]. */
export function sequences(b: GraphBuilder, value: Value, at: BatchAxis): Value {
  const split = byExample(b, value, at)
  return reshaped(b, split, [split.dims[0]!, countOf(split.dims.slice(1, -1)), split.dims.at(-1)!])
}

/** Entries of an example up to which looking at each is less work than copying rows. */
const FEW = 4

/**
 * How much of each example counts. Nothing of an example whose gradient is not finite may count, and infinity times 0 is
 * not 0: such an example is replaced by one that is finite, whose rows then count 0. Copying rows is the least work.
 */
export class Factor {
  readonly #b: GraphBuilder
  readonly #factor: Value
  readonly #rows: Value
  readonly #anyGood: Value

  /** @param norms of each example's gradient, [batch] @param limit norm that is left, one entry */
  constructor(b: GraphBuilder, norms: Value, limit: Value) {
    const [batch] = norms.dims
    const bad = b.add('Or', [b.add('IsNaN', [norms]), b.add('IsInf', [norms])])
    const good = b.add('Not', [bad])
    const share = over(b, limit, b.add('Max', [norms, limit]))
    const numbers = b.add('Cast', [good], { to: 1 })
    const someGood = b.add('ArgMax', [numbers], { axis: 0, keepdims: 1 })
    this.#b = b
    this.#factor = b.add('Where', [good, share, b.scalar(0, share)])
    const own = b.add(
      'Range',
      [0, batch!, 1].map((bound) => b.numbers([], [bound], 'int64')),
    )
    this.#rows = b.add('Where', [good, own, someGood])
    this.#anyGood = b.add('Greater', [b.add('ReduceMax', [numbers], { keepdims: 0 }), b.scalar(0, numbers)])
  }

  /** A value of [batch, ...] times the factor of each example. Its entries are finite where an example's gradient is. */
  apply(value: Value): Value {
    const b = this.#b
    const [batch] = value.dims
    const count = countOf(value.dims.slice(1))
    const each = reshaped(b, this.#factor, [batch!, 1])
    // In two dimensions, so that two uses of one gradient are one.
    const rows = reshaped(b, value, [batch!, count])
    if (count > FEW) return reshaped(b, times(b, this.finite(rows), each), value.dims)
    const share = reshaped(b, times(b, rows, each), [batch! * count])
    return reshaped(b, b.add('Where', [b.add('IsNaN', [share]), b.scalar(0, share), share]), value.dims)
  }

  /** A value of [batch, ...] to be multiplied with one that the factor was applied to. */
  finite(value: Value): Value {
    return this.#b.add('Gather', [value, this.#rows])
  }

  /** A sum over examples: zeros where there was none to replace others by. */
  close(sum: Value): Value {
    const flat = reshaped(this.#b, sum, [countOf(sum.dims)])
    return reshaped(this.#b, this.#b.add('Where', [this.#anyGood, flat, this.#b.scalar(0, flat)]), sum.dims)
  }
}

/** Entries up to which a product with ones is made for a sum: the runtime does that fastest. */
const SUMMED_BY_PRODUCT = 4096

/** Sum of squares over all axes but the first: [batch]. */
export function squares(b: GraphBuilder, value: Value): Value {
  const [batch] = value.dims
  const count = countOf(value.dims.slice(1))
  const rows = reshaped(b, value, [batch!, count])
  if (count > SUMMED_BY_PRODUCT) return b.add('ReduceSumSquare', [rows, b.ints([1])], { keepdims: 0 })
  const type = value.type === 'float64' ? 'float64' : 'float32'
  const ones = b.numbers(
    [count, 1],
    Array.from({ length: count }, () => 1),
    type,
  )
  return reshaped(b, b.add('MatMul', [times(b, rows, rows), ones]), [batch!])
}
