import type { ExpressionType } from './column-type.ts'
import { refuse } from './errors.ts'
import { resolve } from './expressions.ts'
import { planFigures } from './figures.ts'
import { planJoin } from './joins.ts'
import { pairOf } from './measures.ts'
import type { ColumnTraits, Expression, FromPlan, Hidden, Relation } from './plan.ts'
import {
  allColumns,
  findColumn,
  fold,
  guardOf,
  hiddenOf,
  moveGuard,
  relationsOf,
  type Scope,
} from './scope.ts'
import { planOrder, planLimit } from './shown.ts'
import type { ExpressionSyntax, FromSyntax, ItemSyntax, QuerySyntax, SelectSyntax } from './syntax.ts'
import type { SqlPolicy } from './types.ts'
import { planUnion } from './unions.ts'

/** Tables and queries that a template reads, each as often as it is named: bounds what naming a query twice multiplies. */
const MAX_RELATIONS = 64

/** Queries that a template names, and what each of them sees of the others. */
export type Named = ReadonlyMap<string, { readonly query: QuerySyntax; readonly sees: Named }>

/** What planning one template takes along. */
export class Planning {
  readonly policy: SqlPolicy
  readonly parameters: ReadonlyMap<string, ExpressionType>
  /** Rows are of people whom a rule protects. */
  readonly isProtected: boolean
  private readonly forbidden: ReadonlySet<string>
  private readonly joinKeys: ReadonlySet<string>
  private count = 0

  constructor(policy: SqlPolicy, parameters: ReadonlyMap<string, ExpressionType>) {
    this.policy = policy
    this.parameters = parameters
    this.isProtected = policy.minContributors > 1 || policy.noise !== undefined
    this.forbidden = new Set(policy.forbidden.map(fold))
    this.joinKeys = new Set(policy.joinKeys.map(fold))
  }

  /** A name that nothing else has. @throws `ROOM_SQL_REFUSED` (`tree-size`) */
  next(): string {
    if (this.count >= MAX_RELATIONS) throw refuse('tree-size', 'it reads too many tables and queries')
    return `r${this.count++}`
  }

  table(name: string): Relation | undefined {
    const at = this.policy.tables.findIndex((table) => fold(table.name) === name)
    if (at < 0) return undefined
    const { owner, columns, contributor } = this.policy.tables[at]!
    const id = this.next()
    const who =
      contributor === undefined ? -1 : columns.findIndex((one) => fold(one.name) === fold(contributor))
    const hidden: Hidden[] =
      this.isProtected && who >= 0 ? [{ kind: 'contributor', name: `h${id}`, type: columns[who]!.type }] : []
    return {
      id,
      columns: columns.map(({ name: label, type, neverNull = false }, index) => ({
        label: fold(label),
        column: {
          kind: 'column',
          relation: id,
          name: `c${index}`,
          type,
          owners: [owner],
          forbidden: this.forbidden.has(fold(label)),
          joinKey: this.joinKeys.has(fold(label)),
          contributor: this.isProtected && index === who,
          made: 'column',
          neverNull,
        },
      })),
      hidden,
      guard: { kind: 'all', of: hidden.map((one) => ({ kind: 'count', relation: id, name: one.name })) },
      isProtected: this.isProtected,
      isAggregated: false,
      source: { kind: 'table', at, contributor: hidden.length > 0 ? who : undefined },
    }
  }
}

/** Plans a query. @throws `ROOM_SQL_REFUSED` with the rule that it breaks */
export function planQuery(syntax: QuerySyntax, planning: Planning, outer: Named): Relation {
  const sees = addQueries(syntax, outer)
  if (syntax.kind === 'union')
    return planUnion(
      syntax.branches.map((branch) => planQuery(branch, planning, sees)),
      planning,
    )
  const { from, scope } = planFrom(syntax.from, planning, sees)
  const where = syntax.where && planCondition(syntax.where, scope, planning)
  return isAggregating(syntax)
    ? planFigures(syntax, { from, scope, where }, planning)
    : planRows(syntax, { from, scope, where }, planning)
}

/** What a SELECT reads, looked up. */
export interface Read {
  readonly from: FromPlan
  readonly scope: Scope
  readonly where: Expression | undefined
}

/** Each query of WITH sees those before it. */
export function addQueries({ queries }: QuerySyntax, outer: Named): Named {
  let sees = outer
  for (const [name, query] of queries) sees = new Map([...sees, [name, { query, sees }]])
  return sees
}

/** @throws `ROOM_SQL_REFUSED` (`type` and others) */
export function planCondition(syntax: ExpressionSyntax, scope: Scope, { parameters }: Planning): Expression {
  const condition = resolve(syntax, { scope, parameters })
  if (condition.type !== 'boolean') throw refuse('type', 'WHERE of something that is no condition')
  return condition
}

/** Plans a FROM. @throws `ROOM_SQL_REFUSED` */
export function planFrom(
  syntax: FromSyntax,
  planning: Planning,
  sees: Named,
): { from: FromPlan; scope: Scope } {
  if (syntax.kind === 'join') {
    const [left, right] = [planFrom(syntax.left, planning, sees), planFrom(syntax.right, planning, sees)]
    return planJoin(syntax, left, right)
  }
  const relation =
    syntax.kind === 'query' ? planQuery(syntax.query, planning, sees) : named(syntax.name, planning, sees)
  return { from: { kind: 'relation', relation }, scope: { bindings: [{ alias: syntax.alias, relation }] } }
}

function named(name: string, planning: Planning, sees: Named): Relation {
  const query = sees.get(fold(name))
  if (query !== undefined) return planQuery(query.query, planning, query.sees)
  const table = planning.table(fold(name))
  if (table === undefined) throw refuse('known-table', name)
  return table
}

/** A SELECT that shows rows as they are. Of protected ones it is only good for an aggregation around it. */
function planRows(syntax: SelectSyntax, { from, scope, where }: Read, planning: Planning): Relation {
  const { parameters } = planning
  const read = relationsOf(from)
  const isProtected = read.some((relation) => relation.isProtected)
  if (isProtected && (syntax.order.length > 0 || syntax.limit !== undefined || syntax.offset !== undefined))
    throw refuse('row-limit', 'ORDER BY or LIMIT')
  const id = planning.next()
  const shown = syntax.items.flatMap((item, at) => showItem(item, at, scope, planning))
  const items = shown.map(({ expression }) => expression)
  return {
    id,
    columns: shown.map(({ label, expression, traits }, at) => ({
      label,
      column: { ...traits, kind: 'column', relation: id, name: `o${at}`, type: expression.type },
    })),
    hidden: hiddenOf(from),
    guard: moveGuard(guardOf(from), id),
    isProtected,
    isAggregated: read.some((relation) => relation.isAggregated),
    source: {
      kind: 'rows',
      from,
      where,
      items,
      order: planOrder(
        syntax,
        items,
        shown.map(({ label }) => label),
        (one) => resolve(one, { scope, parameters }),
      ),
      ...planLimit(syntax, planning),
    },
  }
}

interface ShownItem {
  label: string
  expression: Expression
  traits: ColumnTraits
}

/** A column that is passed on unchanged stays what it is, whatever its name; anything else is looked at. */
function showItem(item: ItemSyntax, at: number, scope: Scope, { parameters }: Planning): ShownItem[] {
  if (item.kind === 'star')
    return allColumns(scope, item.table).map(({ label, column }) => ({
      label,
      expression: column,
      traits: column,
    }))
  const { expression: syntax, alias } = item
  if (syntax.kind === 'column') {
    const column = findColumn(scope, syntax.path)
    return [{ label: fold(alias ?? syntax.path.at(-1)!), expression: column, traits: column }]
  }
  const expression = resolve(syntax, { scope, parameters })
  return [{ label: fold(alias ?? `column_${at + 1}`), expression, traits: traitsOf(expression) }]
}

function traitsOf(expression: Expression): ColumnTraits {
  return {
    type: expression.type,
    owners: expression.owners,
    forbidden: false,
    joinKey: false,
    contributor: false,
    made: pairOf(expression) === undefined ? 'anyhow' : 'pair',
    // Whole numbers can be too large to be multiplied.
    neverNull: false,
  }
}

function isAggregating({ groups, having, items, order }: SelectSyntax): boolean {
  return (
    groups.length > 0 ||
    having !== undefined ||
    items.some((item) => item.kind === 'item' && hasAggregate(item.expression)) ||
    order.some(({ expression }) => hasAggregate(expression))
  )
}

function hasAggregate(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false
  if ((value as { kind?: unknown }).kind === 'aggregate') return true
  return Object.values(value).some(hasAggregate)
}
