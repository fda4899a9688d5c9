import type { ColumnType } from './column-type.ts'
import { refuse } from './errors.ts'
import { resolve } from './expressions.ts'
import type { Expression, FromPlan, ResultColumn } from './plan.ts'
import { addQueries, planCondition, planFrom, type Planning } from './relations.ts'
import { fold, guardOf, hiddenOf, relationsOf } from './scope.ts'
import type { ExpressionSyntax, QuerySyntax, Scalar, SelectSyntax } from './syntax.ts'
import type { SqlNoise } from './types.ts'

/** Cells of a result at most: each group that the template lists, whether anybody is in it or not. */
const MAX_CELLS = 10_000

/** A group key whose values the template lists: the data do not say which groups there are. */
export interface ListedKey {
  readonly expression: Expression
  readonly values: readonly Scalar[]
  readonly type: ColumnType
}

/** A count or a sum. */
export interface NoisyAggregate {
  readonly name: 'count' | 'sum'
  /** Absent: of `count(*)`. */
  readonly argument: Expression | undefined
}

/** A checked template of a task with noise. */
export interface NoisePlan {
  readonly kind: 'noise'
  readonly columns: readonly ResultColumn[]
  readonly from: FromPlan
  readonly where: Expression | undefined
  readonly keys: readonly ListedKey[]
  readonly aggregates: readonly NoisyAggregate[]
  /** Where each column of the result comes from. */
  readonly shown: readonly { readonly kind: 'key' | 'aggregate'; readonly at: number }[]
  /** Of which exactly one has a value in each row that counts. */
  readonly contributors: readonly { readonly relation: string; readonly name: string }[]
  readonly minContributors: number
  readonly noise: SqlNoise
}

/**
 * Plans a template whose figures get noise. It is one SELECT of group keys, counts and sums: what a template does with
 * figures comes before the noise otherwise. Groups are listed by the template as the constants of a CASE, for that a group
 * exists may be due to one person. Each row has one contributor, so that taking one person away changes no other's rows.
 * @throws `ROOM_SQL_REFUSED`
 */
export function planNoise(syntax: QuerySyntax, planning: Planning, noise: SqlNoise): NoisePlan {
  if (syntax.kind === 'union') throw refuse('noise-shape', 'UNION around figures')
  const { having, order, limit, offset } = syntax
  if (having !== undefined || order.length > 0 || limit !== undefined || offset !== undefined)
    throw refuse('noise-shape', 'HAVING, ORDER BY or LIMIT')
  const { from, scope } = planFrom(syntax.from, planning, addQueries(syntax, new Map()))
  const where = syntax.where && planCondition(syntax.where, scope, planning)
  if (relationsOf(from).some(({ isAggregated }) => isAggregated))
    throw refuse('one-aggregation', 'figures in FROM')
  const context = { scope, parameters: planning.parameters }
  const keys = syntax.groups.map((group) => listedKey(resolve(meantKey(group, syntax), context)))
  if (keys.reduce((cells, { values }) => cells * values.length, 1) > MAX_CELLS)
    throw refuse('noise-key', `more than ${MAX_CELLS} groups`)
  const aggregates: NoisyAggregate[] = []
  const shown: { kind: 'key' | 'aggregate'; at: number }[] = []
  const columns: ResultColumn[] = []
  for (const [index, item] of syntax.items.entries()) {
    if (item.kind === 'star') throw refuse('noise-shape', '*')
    const { expression, alias } = item
    const name = fold(alias ?? `column_${index + 1}`)
    if (expression.kind === 'aggregate') {
      shown.push({ kind: 'aggregate', at: aggregates.length })
      aggregates.push(noisyAggregate(expression, (one) => resolve(one, context)))
      columns.push({ name, type: 'integer' })
      continue
    }
    const key = JSON.stringify(resolve(expression, context))
    const at = keys.findIndex((one) => JSON.stringify(one.expression) === key)
    if (at < 0) throw refuse('noise-shape', 'something that is no group key, count or sum')
    shown.push({ kind: 'key', at })
    columns.push({ name, type: keys[at]!.type })
  }
  if (aggregates.length === 0) throw refuse('noise-shape', 'no count and no sum')
  const names = columns.map(({ name }) => name)
  const twice = names.find((name, at) => names.indexOf(name) !== at)
  if (twice !== undefined) throw refuse('output-name', `${twice} twice`)
  return {
    kind: 'noise',
    columns,
    from,
    where,
    keys,
    aggregates,
    shown,
    contributors: oneContributor(from, planning),
    minContributors: planning.policy.minContributors,
    noise,
  }
}

/** Names and numbers of what is shown, as GROUP BY takes them. */
function meantKey(group: ExpressionSyntax, { items }: SelectSyntax): ExpressionSyntax {
  const item =
    group.kind === 'constant' && group.type === 'integer'
      ? items[(group.value as number) - 1]
      : group.kind === 'column' && group.path.length === 1
        ? items.find((one) => one.kind === 'item' && fold(one.alias ?? '') === fold(group.path[0]!))
        : undefined
  return item?.kind === 'item' ? item.expression : group
}

function listedKey(expression: Expression): ListedKey {
  if (expression.kind !== 'case') throw refuse('noise-key', 'a group that is made by no CASE')
  const results = [...expression.checks.map(({ result }) => result), expression.otherwise]
  const values = results.map((result) => {
    if (result.kind !== 'constant') throw refuse('noise-key', 'a result of CASE that is no constant')
    return result.value
  })
  const { type } = expression
  if (type !== 'text' && type !== 'integer' && type !== 'boolean')
    throw refuse('noise-key', `a group of ${type}`)
  return { expression, values: [...new Set(values)], type }
}

function noisyAggregate(
  { name, argument: syntax, distinct }: ExpressionSyntax & { kind: 'aggregate' },
  resolveOne: (one: ExpressionSyntax) => Expression,
): NoisyAggregate {
  if ((name !== 'count' && name !== 'sum') || distinct)
    throw refuse('noise-shape', `${name}${distinct ? ' DISTINCT' : ''}`)
  const argument = syntax && resolveOne(syntax)
  if (name === 'sum' && argument!.type !== 'integer' && argument!.type !== 'number')
    throw refuse('type', `sum of ${argument!.type}`)
  return { name, argument }
}

/**
 * The hidden columns that say whose a row is. With two in one row (a join of two tables of people) a person more or less
 * would change which rows of others count; with one table in two branches of a UNION, everybody would count twice.
 */
function oneContributor(from: FromPlan, planning: Planning): NoisePlan['contributors'] {
  const guard = guardOf(from)
  const isOne = (one: typeof guard): boolean => {
    switch (one.kind) {
      case 'count':
        return true
      case 'all':
        return countsIn(one) === 1 && one.of.every((inner) => countsIn(inner) === 0 || isOne(inner))
      case 'branches':
        return one.of.every((branch) => isOne(branch.guard))
    }
  }
  if (!isOne(guard)) throw refuse('noise-contributor', 'none or several')
  const tables = tablesOf(from).filter((at) => planning.policy.tables[at]!.contributor !== undefined)
  const owners = tables.map((at) => planning.policy.tables[at]!.owner)
  if (new Set(owners).size < owners.length) throw refuse('noise-contributor', 'two tables of one owner')
  return hiddenOf(from)
    .filter(({ kind }) => kind === 'contributor')
    .map(({ relation, name }) => ({ relation, name }))

  function countsIn(one: typeof guard): number {
    if (one.kind === 'count') return 1
    if (one.kind === 'branches') return Math.max(...one.of.map((branch) => countsIn(branch.guard)))
    return one.of.reduce((sum, inner) => sum + countsIn(inner), 0)
  }
}

/** Tables of the contract that a FROM reads, each as often as it does. */
function tablesOf(from: FromPlan): number[] {
  return relationsOf(from).flatMap(({ source }) => {
    switch (source.kind) {
      case 'table':
        return [source.at]
      case 'rows':
        return tablesOf(source.from)
      case 'union':
        return source.branches.flatMap(({ relation }) => tablesOf({ kind: 'relation', relation }))
      case 'figures':
        return tablesOf(source.figures.from)
    }
  })
}
