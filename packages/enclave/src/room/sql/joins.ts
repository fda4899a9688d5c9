import { refuse } from './errors.ts'
import type { ColumnExpression, FromPlan, Relation } from './plan.ts'
import { findColumn, fold, relationsOf, type Scope } from './scope.ts'
import type { ExpressionSyntax, FromSyntax } from './syntax.ts'

interface Side {
  readonly from: FromPlan
  readonly scope: Scope
}

/**
 * Plans a join: of rows, by nothing but the equality of join keys, one of each side.
 * @throws `ROOM_SQL_REFUSED` (`join-condition`, `one-aggregation`, `type`, `identifier`, `known-column`)
 */
export function planJoin(syntax: FromSyntax & { kind: 'join' }, left: Side, given: Side): Side {
  const right = syntax.join === 'LEFT' ? withNulls(given) : given
  for (const side of [left, right])
    if (relationsOf(side.from).some(({ isAggregated }) => isAggregated))
      throw refuse('one-aggregation', 'a join with figures')
  const bindings = [...left.scope.bindings, ...right.scope.bindings]
  const aliases = bindings.flatMap(({ alias }) => (alias === '' ? [] : [alias]))
  const twice = aliases.find((alias, at) => aliases.indexOf(alias) !== at)
  if (twice !== undefined) throw refuse('identifier', `${twice} names two tables`)
  const pairs = [
    ...syntax.using.map((name) => ({
      left: firstColumn(left.scope, name),
      right: firstColumn(right.scope, name),
    })),
    ...equalities(syntax.condition).map(([one, other]) => orderSides(one, other, left.scope, right.scope)),
  ]
  if (pairs.length === 0) throw refuse('join-condition', 'a join without a condition')
  for (const { left: one, right: other } of pairs) {
    if (!one.joinKey || !other.joinKey) throw refuse('join-condition', 'a column that is no join key')
    if (one.type !== other.type) throw refuse('type', `${one.type} joined with ${other.type}`)
  }
  return {
    from: { kind: 'join', join: syntax.join, left: left.from, right: right.from, keys: pairs },
    scope: { bindings },
  }
}

/** Pairs of columns that a condition says to be equal. */
function equalities(condition: ExpressionSyntax | undefined): [readonly string[], readonly string[]][] {
  if (condition === undefined) return []
  if (condition.kind === 'and') return condition.items.flatMap(equalities)
  if (
    condition.kind === 'compare' &&
    condition.operator === 'COMPARE_EQUAL' &&
    condition.left.kind === 'column' &&
    condition.right.kind === 'column'
  )
    return [[condition.left.path, condition.right.path]]
  throw refuse('join-condition', 'something that is no equality of two columns')
}

function orderSides(
  one: readonly string[],
  other: readonly string[],
  left: Scope,
  right: Scope,
): { left: ColumnExpression; right: ColumnExpression } {
  const both: Scope = { bindings: [...left.bindings, ...right.bindings] }
  const [first, second] = [findColumn(both, one), findColumn(both, other)]
  const isOf = ({ relation }: ColumnExpression, { bindings }: Scope): boolean =>
    bindings.some((binding) => binding.relation.id === relation)
  if (isOf(first, left) && isOf(second, right)) return { left: first, right: second }
  if (isOf(second, left) && isOf(first, right)) return { left: second, right: first }
  throw refuse('join-condition', 'two columns of one side')
}

/** After USING the same name is in several tables, with equal values in each: the first stands for them. */
function firstColumn({ bindings }: Scope, name: string): ColumnExpression {
  const found = bindings.flatMap(({ relation }) =>
    relation.columns.filter(({ label }) => label === fold(name)),
  )
  if (found[0] === undefined) throw refuse('known-column', name)
  return found[0].column
}

/** Of a LEFT JOIN: every column on the right can be NULL. */
function withNulls({ from, scope }: Side): Side {
  const change = (relation: Relation): Relation => ({
    ...relation,
    columns: relation.columns.map(({ label, column }) => ({
      label,
      column: { ...column, neverNull: false },
    })),
  })
  const changeFrom = (plan: FromPlan): FromPlan =>
    plan.kind === 'relation'
      ? { kind: 'relation', relation: change(plan.relation) }
      : { ...plan, left: changeFrom(plan.left), right: changeFrom(plan.right) }
  return {
    from: changeFrom(from),
    scope: { bindings: scope.bindings.map(({ alias, relation }) => ({ alias, relation: change(relation) })) },
  }
}
