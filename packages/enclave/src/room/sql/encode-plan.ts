import { encodeAggregate, supportOf } from './encode-aggregate.ts'
import { encodeTotal } from './encode-expression.ts'
import { encodeGuard, encodeRest, isMonotonic } from './encode-guard.ts'
import type { UniqueSide } from './multiplicity.ts'
import {
  call,
  columnRef,
  compare,
  conjunction,
  constant,
  cast,
  join,
  type Json,
  named,
  operator,
  order,
  position,
  select,
  statement,
  subquery,
  tableRef,
  unionAll,
} from './nodes.ts'
import type { ParameterValues } from './parameters.ts'
import type { Figures, FromPlan, Hidden, QueryPlan, Relation, Shown, Source } from './plan.ts'
import { countOnce } from './same-people.ts'

/** Name of the table that has the data of an input, and of its columns `c0`, `c1`, ... in the order of the contract. */
export function tableName(at: number): string {
  return `t${at}`
}

/** What runs: a statement as `json_deserialize_sql` reads it; see `inParsedForm`. */
export function encodePlan({ relation }: QueryPlan, values: ParameterValues): string {
  return statement(encodeRelation(relation, values, true))
}

/** Statements of which each answers a row where a key is there twice: see {@link UniqueSide}. */
export function encodeUniqueSides({ relation }: QueryPlan, values: ParameterValues): string[][] {
  return figuresIn(relation).map((sides) =>
    sides.map(({ from, keys }) => {
      const groups = keys.map(({ relation: one, name }) => columnRef(one, name))
      return statement(
        select({
          from: encodeFrom(from, values),
          where: conjunction(
            'and',
            groups.map((key) => operator('OPERATOR_IS_NOT_NULL', [key])),
          ),
          groups,
          having: compare('COMPARE_GREATERTHAN', call('count_star', []), constant('integer', 1)),
          items: [named(constant('boolean', true), 'o0')],
          limit: constant('integer', 1),
        }),
      )
    }),
  )
}

function figuresIn({ source }: Relation): readonly (readonly UniqueSide[])[] {
  switch (source.kind) {
    case 'table':
    case 'union':
      return []
    case 'figures':
      return [...source.figures.uniqueSides, ...inFrom(source.figures.from)]
    case 'rows':
      return inFrom(source.from)
  }
}

/** Figures are never joined, so that they are alone where they are. */
function inFrom(from: FromPlan): readonly (readonly UniqueSide[])[] {
  return from.kind === 'relation' ? figuresIn(from.relation) : []
}

/** A FROM, with each relation under its name. */
export function encodeFrom(from: FromPlan, values: ParameterValues): Json {
  if (from.kind === 'relation') return subquery(encodeRelation(from.relation, values), from.relation.id)
  const keys = from.keys.map(({ left, right }) =>
    compare('COMPARE_EQUAL', columnRef(left.relation, left.name), columnRef(right.relation, right.name)),
  )
  return join(
    from.join,
    encodeFrom(from.left, values),
    encodeFrom(from.right, values),
    conjunction('and', keys),
  )
}

/** @param isLast nothing is around it: its rows come in an order that depends on nothing but what they say */
function encodeRelation(relation: Relation, values: ParameterValues, isLast = false): Json {
  const { source } = relation
  switch (source.kind) {
    case 'table':
      return encodeTable(relation, source)
    case 'union':
      return source.branches
        .map(({ relation: branch, marker }) => encodeBranch(branch, marker, relation.hidden, values))
        .reduce((left, right) => unionAll(left, right))
    case 'rows': {
      const read = namesOf(source.from)
      return select({
        from: encodeFrom(source.from, values),
        where: source.where && encodeTotal(source.where, values),
        ...encodeShown(source, values, isLast),
        items: [
          ...encodeItems(source, values),
          ...relation.hidden.map(({ name }) => named(columnRef(read.get(name)!, name), name)),
        ],
      })
    }
    case 'figures':
      return select({
        from: subquery(encodeFigures(source.figures, values), source.figures.id),
        where: source.having && encodeTotal(source.having, values),
        ...encodeShown(source, values, isLast),
        items: encodeItems(source, values),
      })
  }
}

function encodeTable({ columns, hidden }: Relation, { at, contributor }: Source & { kind: 'table' }): Json {
  const name = tableName(at)
  return select({
    from: tableRef(name),
    items: [
      ...columns.map(({ column }) => named(columnRef(name, column.name), column.name)),
      ...hidden.map((one) => named(columnRef(name, `c${contributor}`), one.name)),
    ],
  })
}

/** A branch of a UNION, with the hidden columns of all branches, of which it has its own. */
function encodeBranch(
  branch: Relation,
  marker: string,
  all: readonly Hidden[],
  values: ParameterValues,
): Json {
  const own = new Set(branch.hidden.map(({ name }) => name))
  return select({
    from: subquery(encodeRelation(branch, values), branch.id),
    items: [
      ...branch.columns.map(({ column }, at) => named(columnRef(branch.id, column.name), `o${at}`)),
      ...all.map(({ name, type }) => {
        if (name === marker) return named(constant('boolean', true), name)
        return named(own.has(name) ? columnRef(branch.id, name) : cast(constant('null', null), type), name)
      }),
    ],
  })
}

/** Groups with enough contributors, and nothing that a template says of them: that comes in the SELECT around this one. */
function encodeFigures(figures: Figures, values: ParameterValues): Json {
  const { from, where, groups, aggregates, minContributors: least } = figures
  const guard = countOnce(figures.guard, from)
  const keys = groups.map((group) => encodeTotal(group, values))
  const conditions = aggregates.flatMap((aggregate) => {
    const support = supportOf(aggregate, values)
    if (support === undefined) return []
    return [encodeGuard(guard, least, support.present), encodeRest(guard, least, support.absent)]
  })
  // Counting contributors is most of what a query costs: it is not done again for what follows.
  if (conditions.length === 0 || !isMonotonic(guard)) conditions.unshift(encodeGuard(guard, least))
  return select({
    from: encodeFrom(from, values),
    where: where && encodeTotal(where, values),
    groups: keys,
    having: least > 1 ? conjunction('and', conditions) : undefined,
    items: [
      ...keys.map((key, at) => named(key, `g${at}`)),
      ...aggregates.map((one, at) => named(encodeAggregate(one, values), `a${at}`)),
      // A group needs a column, and a template can ask for none but constants.
      named(constant('boolean', true), 'x'),
    ],
  })
}

function encodeItems({ items }: Shown, values: ParameterValues): Json[] {
  return items.map((item, at) => named(encodeTotal(item, values), `o${at}`))
}

/** Whatever is ordered or cut off is ordered by all that is shown in the end: equals are then really equal. */
function encodeShown(
  shown: Shown,
  values: ParameterValues,
  isLast: boolean,
): { order: Json[]; limit: Json | undefined; offset: Json | undefined } {
  const { items, order: orders, limit, offset } = shown
  const isOrdered = isLast || orders.length > 0 || limit !== undefined || offset !== undefined
  return {
    order: isOrdered
      ? [
          ...orders.map(({ expression, descending, nulls }) => {
            const at = items.indexOf(expression)
            return order(at < 0 ? encodeTotal(expression, values) : position(at), descending, nulls)
          }),
          ...items.map((_, at) => order(position(at))),
        ]
      : [],
    limit: limit && encodeTotal(limit, values),
    offset: offset && encodeTotal(offset, values),
  }
}

/** Which relation of a FROM has each hidden column. */
function namesOf(from: FromPlan): Map<string, string> {
  if (from.kind === 'join') return new Map([...namesOf(from.left), ...namesOf(from.right)])
  const { id, hidden } = from.relation
  return new Map(hidden.map(({ name }) => [name, id]))
}
