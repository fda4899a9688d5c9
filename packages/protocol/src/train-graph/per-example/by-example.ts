import { countOf } from '../../onnx/index.ts'
import type { BatchAxis } from '../batch-axis/axis.ts'
import type { GraphBuilder } from '../builder.ts'
import type { Value } from '../ir.ts'
import { expanded, over, reordered, reshaped, summed, times } from '../math.ts'
import { summedProducts } from './sums.ts'

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

/** The largest float. */
const MOST = 3.4028234663852886e38

/**
 * How much of each example counts. Nothing of an example whose gradient is not finite may count, and infinity times 0 is
 * not 0: such an example is replaced by one that is finite, whose rows then count 0. Copying rows is the least work.
 */
export class Factor {
  readonly #b: GraphBuilder
  readonly #good: Value
  readonly #factor: Value
  #rows: Value | undefined

  /** @param norms of each example's gradient, [batch] @param limit norm that is left, one entry */
  constructor(b: GraphBuilder, norms: Value, limit: Value) {
    const [batch] = norms.dims
    // A norm that is no number is not below anything.
    this.#good = b.add('LessOrEqual', [norms, b.scalar(MOST, norms)])
    const share = over(b, limit, b.add('Max', [norms, limit]))
    this.#b = b
    this.#factor = reshaped(b, b.add('Where', [this.#good, share, b.scalar(0, share)]), [batch!, 1])
  }

  /** A value of [batch, ...] times the factor of each example. Its entries are finite where an example's gradient is. */
  apply(value: Value): Value {
    const b = this.#b
    const rows = rowsOf(b, value)
    const [batch, count] = rows.dims
    if (count! > FEW) return reshaped(b, times(b, this.finite(rows), this.#factor), value.dims)
    const share = reshaped(b, times(b, rows, this.#factor), [batch! * count!])
    return reshaped(b, b.add('Where', [b.add('IsNaN', [share]), b.scalar(0, share), share]), value.dims)
  }

  /** A value of [batch, ...] to be multiplied with one that the factor was applied to. */
  finite(value: Value): Value {
    const b = this.#b
    return reshaped(b, b.add('Gather', [rowsOf(b, value), (this.#rows ??= this.#goodRows())]), value.dims)
  }

  /** A finite value of [batch, ...] times the factor. */
  times(value: Value): Value {
    const b = this.#b
    return reshaped(b, times(b, rowsOf(b, value), this.#factor), value.dims)
  }

  /** Sum over examples of a value of [batch, ...] times the factor: [1, entries]. */
  sum(value: Value): Value {
    const b = this.#b
    const rows = rowsOf(b, value)
    const [batch, count] = rows.dims
    if (count! > FEW) return summedProducts(b, this.#factor, this.finite(rows), batch!)
    const ones = expanded(b, b.numbers([1, 1], [1], 'float32'), [batch!, 1])
    return summedProducts(b, ones, this.apply(rows), batch!)
  }

  /** A sum over examples: zeros where there was none to replace others by. */
  close(sum: Value): Value {
    if (this.#rows === undefined) return sum
    const b = this.#b
    const anyGood = b.add('ReduceMax', [this.#numbers()], { keepdims: 0 })
    const flat = reshaped(b, sum, [countOf(sum.dims)])
    const isAny = b.add('Greater', [anyGood, b.scalar(0, anyGood)])
    return reshaped(b, b.add('Where', [isAny, flat, b.scalar(0, flat)]), sum.dims)
  }

  #numbers(): Value {
    return this.#b.add('Cast', [this.#good], { to: 1 })
  }

  #goodRows(): Value {
    const b = this.#b
    const [batch] = this.#good.dims
    const someGood = b.add('ArgMax', [this.#numbers()], { axis: 0, keepdims: 1 })
    const bounds = [0, batch!, 1].map((bound) => b.numbers([], [bound], 'int64'))
    return b.add('Where', [this.#good, b.add('Range', bounds), someGood])
  }
}

/** In two dimensions, so that two uses of one gradient are one. */
function rowsOf(b: GraphBuilder, value: Value): Value {
  const [batch] = value.dims
  return reshaped(b, value, [batch!, countOf(value.dims.slice(1))])
}

/** Sum of squares over all axes but the first: [batch]. */
export function squares(b: GraphBuilder, value: Value): Value {
  const rows = rowsOf(b, value)
  const each = times(b, rows, rows)
  // The runtime squares and then sums in half the time that it takes to do both at once.
  return rows.dims[1] === 1 ? reshaped(b, each, [rows.dims[0]!]) : summed(b, each, [1], false)
}
