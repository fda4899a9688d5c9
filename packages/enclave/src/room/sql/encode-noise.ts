import { encodeTotal } from './encode-expression.ts'
import { encodeFrom } from './encode-plan.ts'
import {
  call,
  caseOf,
  cast,
  columnRef,
  compare,
  conjunction,
  constant,
  type Json,
  named,
  operator,
  rowNumber,
  select,
  statement,
  subquery,
} from './nodes.ts'
import type { NoisyAggregate, NoisePlan } from './noise-plan.ts'
import type { ParameterValues } from './parameters.ts'
import type { SqlNoise } from './types.ts'

/**
 * The query under the noise: of each contributor so many rows at most, values clipped, exact figures of each group that
 * exists. Its result does not leave the room. Which rows of a contributor count depends on that contributor's rows alone.
 * Columns: keys, aggregates, and with `minContributors` over 1 the number of contributors.
 */
export function encodeNoise(plan: NoisePlan, values: ParameterValues): string {
  const { from, where, keys, aggregates, contributors, noise, minContributors } = plan
  const people = contributors.map(({ relation, name }) => columnRef(relation, name))
  const known = conjunction(
    'or',
    people.map((one) => operator('OPERATOR_IS_NOT_NULL', [one])),
  )
  const keyNodes = keys.map(({ expression }) => encodeTotal(expression, values))
  const counts = aggregates.map((one) => encodeValue(one, noise, values))
  const rows = select({
    from: encodeFrom(from, values),
    where: conjunction('and', [known, ...(where === undefined ? [] : [encodeTotal(where, values)])]),
    items: [
      ...keyNodes.map((node, at) => named(node, `g${at}`)),
      ...counts.map((node, at) => named(node, `a${at}`)),
      ...people.map((node, at) => named(node, `h${at}`)),
      named(rowNumber(people, [...keyNodes, ...counts]), 'n'),
    ],
  })
  const groups = keys.map((_, at) => columnRef('r', `g${at}`))
  const counted = contributors.map((_, at) => call('count', [columnRef('r', `h${at}`)], { distinct: true }))
  const most = constant('integer', noise.maxRowsPerContributor)
  return statement(
    select({
      from: subquery(rows, 'r'),
      where: compare('COMPARE_LESSTHANOREQUALTO', columnRef('r', 'n'), most),
      groups,
      items: [
        ...groups.map((node, at) => named(node, `g${at}`)),
        ...aggregates.map((_, at) => named(call('sum', [columnRef('r', `a${at}`)]), `a${at}`)),
        ...(minContributors > 1
          ? [
              named(
                counted.reduce((one, other) => call('+', [one, other])),
                'k',
              ),
            ]
          : []),
      ],
    }),
  )
}

/** What a row adds to an aggregate: a whole number within the bounds, whatever it holds; nothing where it is NULL. */
function encodeValue({ name, argument }: NoisyAggregate, { clip }: SqlNoise, values: ParameterValues): Json {
  const one = constant('integer', 1)
  const zero = constant('integer', 0)
  if (argument === undefined) return one
  const node = encodeTotal(argument, values)
  if (name === 'count') return caseOf([{ when: operator('OPERATOR_IS_NULL', [node]), result: zero }], one)
  const [min, max] = [constant('integer', clip.min), constant('integer', clip.max)]
  return caseOf(
    [
      { when: operator('OPERATOR_IS_NULL', [node]), result: zero },
      { when: compare('COMPARE_LESSTHAN', node, min), result: min },
      // NaN is larger than every number.
      { when: compare('COMPARE_GREATERTHAN', node, max), result: max },
    ],
    cast(call('round', [node]), 'integer'),
  )
}
