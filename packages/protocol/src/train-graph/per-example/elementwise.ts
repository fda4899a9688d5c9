import { countOf } from '../../onnx/index.ts'
import type { BatchAxis } from '../batch-axis/axis.ts'
import type { GraphBuilder } from '../builder.ts'
import { graphError } from '../errors.ts'
import type { Value } from '../ir.ts'
import { over, reshaped, summed, times } from '../math.ts'
import { instanceOf, layerOf, perChannel } from '../rules/normalise.ts'
import { byExample, type Factor, squares } from './by-example.ts'
import type { PerExample, Site } from './site.ts'

/**
 * Gradients that lie there one by one: [batch, elements of the weight].
 *
 * @param table see `rows` of a site
 */
export function stored(
  b: GraphBuilder,
  each: Value,
  dims: readonly number[],
  table?: readonly number[],
): PerExample {
  const [batch] = each.dims
  const rows = reshaped(b, each, [batch!, countOf(dims)])
  return {
    squared: squares(b, table ? addedRows(b, rows, table) : rows),
    sum(factor: Factor) {
      return reshaped(b, factor.sum(rows), dims)
    },
  }
}

/** For each example the gradients of rows of a table, those of one row added up: [batch, distinct rows, width]. */
function addedRows(b: GraphBuilder, each: Value, table: readonly number[]): Value {
  const [batch, size] = each.dims
  const distinct = [...new Set(table)]
  const sums = distinct.flatMap((row) => table.map((one) => Number(one === row)))
  const type = each.type === 'float64' ? 'float64' : 'float32'
  const adding = b.numbers([distinct.length, table.length], sums, type)
  return b.add('MatMul', [adding, reshaped(b, each, [batch!, table.length, size! / table.length])])
}

/**
 * Gradients of a weight that was broadcast to the shape of an output: for each example the sum over what was repeated.
 *
 * @param full gradient of the weight as if it had the output's shape
 * @param dims of the weight, aligned with the last axes of `full`
 */
function broadcast(
  b: GraphBuilder,
  site: Site,
  full: Value,
  dims: readonly number[],
  at: BatchAxis,
): PerExample {
  const aligned = [...full.dims.slice(dims.length).map(() => 1), ...dims]
  if (aligned[at.axis] !== 1)
    throw graphError('GRAPH_PRIVACY', 'a weight has other entries for other examples', site.node.where)
  const split = byExample(b, full, at)
  const kept = [1, ...aligned.slice(0, at.axis), 1, ...aligned.slice(at.axis + 1)]
  const axes = [...split.dims.keys()].filter((axis) => axis > 0 && kept[axis] === 1 && split.dims[axis] !== 1)
  return stored(b, summed(b, split, axes), site.weight.dims, site.rows)
}

/** Gradient of an operand of Add, Sub, Mul or Div, before what was broadcast is summed. */
export function operandGradient(b: GraphBuilder, { node, index, g }: Site): Value {
  const [x, y] = node.inputs as readonly Value[]
  if (node.op === 'Add' || (node.op === 'Sub' && index === 0)) return g
  if (node.op === 'Sub') return b.add('Neg', [g])
  if (node.op === 'Mul') return times(b, g, index === 0 ? y! : x!)
  if (index === 0) return over(b, g, y!)
  return b.add('Neg', [times(b, over(b, g, y!), node.outputs[0]!)])
}

/** An operand of Add, Sub, Mul or Div. */
export function operand(b: GraphBuilder, site: Site): PerExample {
  return broadcast(b, site, operandGradient(b, site), site.weight.dims, site.at)
}

/** Scale or bias of a LayerNormalization. */
export function layerWeight(b: GraphBuilder, site: Site): PerExample {
  const full = site.index === 1 ? times(b, site.g, layerOf(b, site.node).hat) : site.g
  return broadcast(b, site, full, site.weight.dims, site.at)
}

/** Scale or bias of an InstanceNormalization: one entry for each channel. */
export function channelWeight(b: GraphBuilder, site: Site): PerExample {
  const full = site.index === 1 ? times(b, site.g, instanceOf(b, site.node).hat) : site.g
  return channelsOf(b, site, full)
}

/** One entry for each channel of an image. */
export function channelsOf(b: GraphBuilder, site: Site, full: Value): PerExample {
  return broadcast(b, site, full, perChannel(b, site.weight, full.dims.length).dims, site.at)
}

/** The term that a Gemm adds. */
export function added(b: GraphBuilder, site: Site, full: Value): PerExample {
  return broadcast(b, site, full, site.weight.dims, site.at)
}
