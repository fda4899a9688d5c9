import { encodeTotal } from './encode-expression.ts'
import { isNeverNull, pairOf } from './measures.ts'
import {
  call,
  caseOf,
  cast,
  columnRef,
  compare,
  conjunction,
  constant,
  type Json,
  operator,
} from './nodes.ts'
import type { ParameterValues } from './parameters.ts'
import type { Aggregate } from './plan.ts'

/** DuckDB fails where the deviation of doubles is none: so these are left out before. Their squares are doubles still. */
const LARGEST_SQUARED = 1e150
const DEVIATIONS: ReadonlySet<string> = new Set(['stddev_samp', 'stddev_pop', 'var_samp', 'var_pop'])

export function encodeAggregate(aggregate: Aggregate, values: ParameterValues): Json {
  const { name, distinct } = aggregate
  const argument = argumentOf(aggregate, values)
  return argument === undefined ? call('count_star', []) : call(name, [argument], { distinct })
}

/**
 * Conditions that a row counts in an aggregate, and that it does not; undefined where every row of a group does. Both sets
 * of rows are figures for whoever has the aggregate and one over all rows.
 */
export function supportOf(
  aggregate: Aggregate,
  values: ParameterValues,
): { present: Json; absent: Json } | undefined {
  const { argument, distinct, name } = aggregate
  if (argument === undefined || distinct) return undefined
  if (!DEVIATIONS.has(name) && isNeverNull(argument)) return undefined
  const node = argumentOf(aggregate, values)!
  return { present: operator('OPERATOR_IS_NOT_NULL', [node]), absent: operator('OPERATOR_IS_NULL', [node]) }
}

function argumentOf({ name, argument }: Aggregate, values: ParameterValues): Json | undefined {
  if (argument === undefined) return undefined
  const pair = pairOf(argument)
  // As doubles they do not overflow: an overflow, and so what is left out, could be chosen.
  const node =
    pair !== undefined && argument.kind === 'call'
      ? call(
          argument.name,
          pair.map((column) => cast(columnRef(column.relation, column.name), 'number')),
        )
      : encodeTotal(argument, values)
  if (!DEVIATIONS.has(name)) return node
  const bounds = conjunction('and', [
    compare('COMPARE_GREATERTHANOREQUALTO', node, constant('number', -LARGEST_SQUARED)),
    compare('COMPARE_LESSTHANOREQUALTO', node, constant('number', LARGEST_SQUARED)),
  ])
  return caseOf([{ when: bounds, result: cast(node, 'number') }], constant('null', null))
}
