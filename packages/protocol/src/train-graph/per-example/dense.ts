import { floatOf, intOf } from '../attributes.ts'
import type { GraphBuilder } from '../builder.ts'
import type { Value } from '../ir.ts'
import { plus, scaled, summed, times, turned } from '../math.ts'
import { rowsOf } from '../rules/matmul.ts'
import { type Factor, sequences, squares } from './by-example.ts'
import { stored } from './elementwise.ts'
import type { PerExample, Site } from './site.ts'
import { summedProducts } from './sums.ts'

/** Half of the distance from 1 to the next float, and the smallest float that has all its bits. */
const ROUNDING = 2 ** -24
const TINY = 2 ** -126

/**
 * The matrix on the right of a MatMul or Gemm. An example's gradient is the sum over its rows of aᵗ·g: its norm comes
 * from the norms of a and g alone where there is one row (Goodfellow 2015), from the products of rows with each other
 * (Li et al. 2022, "ghost clipping") where there are few, and is computed as it is where that is less work.
 */
export function dense(b: GraphBuilder, site: Site): PerExample {
  const { node, weight, at } = site
  const x = node.inputs[0]!
  const isTurned = node.op === 'Gemm' && intOf(node, 'transB', 0) === 1
  const a = sequences(b, x, site.axisOf(x))
  const g = sequences(b, scaled(b, site.g, node.op === 'Gemm' ? floatOf(node, 'alpha', 1) : 1), at)
  const [, rows, inner] = a.dims
  const outer = g.dims[2]!
  const isShort = rows! * rows! <= inner! * outer
  if (rows! > 1 && !isShort) {
    const [left, right] = isTurned ? [g, a] : [a, g]
    return stored(b, b.add('MatMul', [turned(b, left), right]), weight.dims)
  }
  return {
    squared: rows === 1 ? oneRow(b, a, g) : ofProducts(b, a, g),
    sum(factor: Factor) {
      // Of the two the smaller one is multiplied by the factor.
      const isLeft = inner! < outer
      const known = site.isFinite(x) ? a : undefined
      const [left, right] = isLeft
        ? [known ? factor.times(a) : factor.apply(a), factor.finite(g)]
        : [known ?? factor.finite(a), factor.apply(g)]
      const [down, up] = [rowsOf(b, left), rowsOf(b, right)]
      return isTurned ? summedProducts(b, up, down, a.dims[0]!) : summedProducts(b, down, up, a.dims[0]!)
    },
  }
}

/** |a|²·|g|². What vanished in a square is added to it: times a large other square it would not be nothing. */
function oneRow(b: GraphBuilder, a: Value, g: Value): Value {
  const [x, y] = [a, g].map((value) => plus(b, squares(b, value), b.scalar(value.dims[2]! * TINY, value)))
  return times(b, x!, y!)
}

/**
 * Sum over pairs of rows of (a·a')(g·g'). Its terms may cancel, so that their rounding could hide what is left; the
 * bound of that rounding, and of what vanished in products, is added.
 */
function ofProducts(b: GraphBuilder, a: Value, g: Value): Value {
  const pairs = times(b, gram(b, a), gram(b, g))
  const [, rows, inner] = a.dims
  const outer = g.dims[2]!
  const [normsA, normsG] = [rowNorms(b, a), rowNorms(b, g)]
  const sum = (value: Value): Value => b.add('ReduceSum', [value, b.ints([1])], { keepdims: 0 })
  const squareOf = (value: Value): Value => times(b, sum(value), sum(value))
  const rounding = scaled(b, squareOf(times(b, normsA, normsG)), ROUNDING * (inner! + outer + 2 * rows!))
  const vanished = plus(
    b,
    scaled(b, squareOf(normsG), inner! * TINY),
    scaled(b, squareOf(normsA), outer * TINY),
  )
  return plus(b, plus(b, b.add('ReduceSum', [pairs, b.ints([1, 2])], { keepdims: 0 }), rounding), vanished)
}

/** Products of the rows of each example with each other. */
export function gram(b: GraphBuilder, rows: Value): Value {
  return b.add('MatMul', [rows, turned(b, rows)])
}

/** Length of each row: [batch, rows]. */
export function rowNorms(b: GraphBuilder, rows: Value): Value {
  return b.add('Sqrt', [summed(b, times(b, rows, rows), [2], false)])
}
