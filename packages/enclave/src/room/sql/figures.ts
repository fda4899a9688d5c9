import { type ColumnType, isNumeric } from './column-type.ts'
import { refuse } from './errors.ts'
import { type ExpressionContext, resolve } from './expressions.ts'
import { isMeasure, pairOf } from './measures.ts'
import { uniqueSides } from './multiplicity.ts'
import type { Aggregate, ColumnExpression, Expression, Relation } from './plan.ts'
import type { Planning, Read } from './relations.ts'
import { findColumn, fold, guardOf, isCounting, relationsOf, type Scope } from './scope.ts'
import { planLimit, planOrder } from './shown.ts'
import type { AggregateName, ExpressionSyntax, SelectSyntax } from './syntax.ts'

/**
 * Plans a SELECT that makes figures of groups. Groups with too few contributors are gone before anything else of it is
 * looked at: HAVING, what is shown, the order and the limit are computed from the figures of those that are left.
 * @throws `ROOM_SQL_REFUSED`
 */
export function planFigures(
  syntax: SelectSyntax,
  { from, scope, where }: Read,
  planning: Planning,
): Relation {
  const isProtected = relationsOf(from).some((relation) => relation.isProtected)
  const guard = guardOf(from)
  if (isProtected && !isCounting(guard))
    throw refuse('no-contributor', 'no table says who contributed its rows')
  const id = planning.next()
  const groups = syntax.groups.map((group) => planGroup(group, syntax, scope, planning, isProtected))
  const aggregates: Aggregate[] = []
  const context: ExpressionContext = {
    scope,
    parameters: planning.parameters,
    aggregate: (given) => {
      const aggregate = planAggregate(given, scope, planning, isProtected)
      const key = JSON.stringify(aggregate)
      const found = aggregates.findIndex((one) => JSON.stringify(one) === key)
      return figure(id, `a${found < 0 ? aggregates.push(aggregate) - 1 : found}`, aggregate.type)
    },
  }
  const keys = groups.map((group) => JSON.stringify(group))
  const show = (one: ExpressionSyntax): Expression => overGroups(resolve(one, context), id, keys)
  const shown = syntax.items.map((item, at) => {
    if (item.kind === 'star') throw refuse('not-grouped', '*')
    const { expression, alias } = item
    const label = alias ?? (expression.kind === 'column' ? expression.path.at(-1)! : `column_${at + 1}`)
    return { label: fold(label), expression: show(expression) }
  })
  const items = shown.map(({ expression }) => expression)
  const having = syntax.having && show(syntax.having)
  if (having !== undefined && having.type !== 'boolean') throw refuse('type', 'HAVING of no condition')
  const labels = shown.map(({ label }) => label)
  return {
    id,
    columns: shown.map(({ label, expression }, at) => ({
      label,
      column: figure(id, `o${at}`, expression.type),
    })),
    hidden: [],
    guard: { kind: 'all', of: [] },
    isProtected: false,
    isAggregated: true,
    source: {
      kind: 'figures',
      figures: {
        id,
        from,
        where,
        groups,
        aggregates,
        guard,
        minContributors: isProtected ? planning.policy.minContributors : 1,
        uniqueSides: isProtected ? uniqueSides(from, aggregates) : [],
      },
      having,
      items,
      order: planOrder(syntax, items, labels, show),
      ...planLimit(syntax, planning),
    },
  }
}

/** What a group is made by: an expression, the number of something shown, or its name where no column has it. */
function planGroup(
  syntax: ExpressionSyntax,
  { items }: SelectSyntax,
  scope: Scope,
  { parameters }: Planning,
  isProtected: boolean,
): Expression {
  const group = resolve(meant(syntax, items, scope), { scope, parameters })
  if (group.owners.length > 1) throw refuse('compare-owners', 'a group made of data of several owners')
  if (isProtected && group.type === 'number') throw refuse('group-key', 'a number with fractions')
  if (group.type === 'null') throw refuse('group-key', 'NULL')
  return group
}

function meant(syntax: ExpressionSyntax, items: SelectSyntax['items'], scope: Scope): ExpressionSyntax {
  if (syntax.kind === 'constant' && syntax.type === 'integer') {
    const item = items[(syntax.value as number) - 1]
    if (item?.kind === 'item') return item.expression
    throw refuse('known-column', `GROUP BY ${syntax.value}`)
  }
  if (syntax.kind !== 'column' || syntax.path.length !== 1) return syntax
  const name = fold(syntax.path[0]!)
  const isColumn = scope.bindings.some(({ relation }) => relation.columns.some(({ label }) => label === name))
  if (isColumn) return syntax
  const item = items.find((one) => one.kind === 'item' && one.alias !== undefined && fold(one.alias) === name)
  return item?.kind === 'item' ? item.expression : syntax
}

/** Checks an aggregate over the rows of a group. @throws `ROOM_SQL_REFUSED` (`aggregate-list`, `aggregate-argument`, `type`) */
export function planAggregate(
  given: { name: AggregateName; argument: ExpressionSyntax | undefined; distinct: boolean },
  scope: Scope,
  { parameters }: Planning,
  isProtected: boolean,
): Aggregate {
  const { name, argument: syntax, distinct } = given
  if (syntax === undefined) {
    if (distinct) throw refuse('aggregate-list', 'count(DISTINCT *)')
    return { name: 'count', argument: undefined, distinct: false, type: 'integer' }
  }
  if (distinct && name === 'count' && syntax.kind === 'column') {
    // What the engine counts itself, and is at least k in every group that is left.
    const column = findColumn(scope, syntax.path)
    if (column.contributor) return { name, argument: column, distinct, type: 'integer' }
  }
  const argument = resolve(syntax, { scope, parameters })
  const type = typeOf(name, argument)
  if (!isProtected) return { name, argument, distinct, type }
  if (name === 'min' || name === 'max') throw refuse('aggregate-list', `${name}, which shows one value`)
  // How many values there are says whether a single one differs.
  if (distinct) throw refuse('aggregate-list', `${name}(DISTINCT) of something else than contributors`)
  const isTaken =
    name === 'count' ? argument.kind === 'column' && argument.made === 'column' : isMeasure(argument)
  if (!isTaken) throw refuse('aggregate-argument', name)
  return { name, argument, distinct, type }
}

function typeOf(name: AggregateName, argument: Expression): ColumnType {
  const { type } = argument
  if (name === 'count') return 'integer'
  if (type === 'null') throw refuse('type', `${name} of NULL`)
  if (name === 'min' || name === 'max') return type
  if (!isNumeric(type)) throw refuse('type', `${name} of ${type}`)
  // Pairs are computed as doubles: see `encodeAggregate`.
  return name === 'sum' && pairOf(argument) === undefined ? type : 'number'
}

/** Everything that is a group's key stands for that key; a column that is left over is of single rows. */
function overGroups(expression: Expression, id: string, keys: readonly string[]): Expression {
  const at = keys.indexOf(JSON.stringify(expression))
  if (at >= 0) return figure(id, `g${at}`, expression.type)
  const inner = (one: Expression): Expression => overGroups(one, id, keys)
  switch (expression.kind) {
    case 'column':
      if (expression.relation === id) return expression
      throw refuse('not-grouped', 'a column')
    case 'constant':
    case 'parameter':
      return expression
    case 'call':
    case 'and':
    case 'or':
    case 'coalesce':
      return { ...expression, items: expression.items.map(inner) }
    case 'compare':
      return { ...expression, left: inner(expression.left), right: inner(expression.right) }
    case 'not':
    case 'is-null':
    case 'cast':
      return { ...expression, item: inner(expression.item) }
    case 'in':
      return { ...expression, item: inner(expression.item), list: expression.list.map(inner) }
    case 'case':
      return {
        ...expression,
        checks: expression.checks.map(({ when, result }) => ({ when: inner(when), result: inner(result) })),
        otherwise: inner(expression.otherwise),
      }
  }
}

/** A column of figures: nothing of it is protected any more. */
function figure(relation: string, name: string, type: Expression['type']): ColumnExpression {
  return {
    kind: 'column',
    relation,
    name,
    type,
    owners: [],
    forbidden: false,
    joinKey: false,
    contributor: false,
    made: 'anyhow',
    neverNull: false,
  }
}
