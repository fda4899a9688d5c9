import { commonType, type ExpressionType } from './column-type.ts'
import { refuse } from './errors.ts'
import { FUNCTIONS } from './functions.ts'
import type { ColumnExpression, Expression, Traits } from './plan.ts'
import { findColumn, fold, type Scope } from './scope.ts'
import type { AggregateName, ExpressionSyntax } from './syntax.ts'

/** What an expression may refer to. */
export interface ExpressionContext {
  readonly scope: Scope
  /** Types of parameters by their names in lower case. */
  readonly parameters: ReadonlyMap<string, ExpressionType>
  /** Stands in for an aggregate. Absent: there can be none here. */
  readonly aggregate?: (of: {
    name: AggregateName
    argument: ExpressionSyntax | undefined
    distinct: boolean
  }) => Expression
}

/**
 * Looks up the names of an expression and checks types, what columns are used for, and that no two owners' data meet in it
 * but in arithmetic.
 * @throws `ROOM_SQL_REFUSED` (`known-column`, `known-parameter`, `type`, `forbidden-column`, `contributor-column`,
 * `join-key`, `compare-owners`, `aggregate-list`, `function-list`)
 */
export function resolve(syntax: ExpressionSyntax, context: ExpressionContext): Expression {
  const inner = (one: ExpressionSyntax): Expression => resolve(one, context)
  switch (syntax.kind) {
    case 'column':
      return requireUsable(findColumn(context.scope, syntax.path))
    case 'constant':
      return { kind: 'constant', type: syntax.type, owners: [], value: syntax.value }
    case 'parameter': {
      const name = fold(syntax.name)
      const type = context.parameters.get(name)
      if (type === undefined) throw refuse('known-parameter', `$${syntax.name}`)
      return { kind: 'parameter', name, type, owners: [] }
    }
    case 'aggregate': {
      const { name, argument, distinct } = syntax
      if (context.aggregate === undefined) throw refuse('aggregate-list', `${name} where rows are chosen`)
      return context.aggregate({ name, argument, distinct })
    }
    case 'call':
      return resolveCall(syntax.name, syntax.items, inner)
    case 'compare': {
      const [left, right] = [inner(syntax.left), inner(syntax.right)]
      requireComparable(left, right)
      const { operator } = syntax
      return {
        kind: 'compare',
        operator,
        left,
        right,
        type: 'boolean',
        owners: together('a comparison', left, right),
      }
    }
    case 'and':
    case 'or': {
      const items = syntax.items.map(inner)
      for (const item of items) requireBoolean(item)
      return { kind: syntax.kind, items, type: 'boolean', owners: ownersOf(items) }
    }
    case 'not': {
      const item = requireBoolean(inner(syntax.item))
      return { kind: 'not', item, type: 'boolean', owners: item.owners }
    }
    case 'is-null': {
      const item = inner(syntax.item)
      return {
        kind: 'is-null',
        item,
        negated: syntax.negated,
        type: 'boolean',
        owners: together('IS NULL', item),
      }
    }
    case 'in': {
      const item = inner(syntax.item)
      const list = syntax.list.map(inner)
      for (const one of list) requireComparable(item, one)
      const owners = together('IN', item, ...list)
      return { kind: 'in', item, list, negated: syntax.negated, type: 'boolean', owners }
    }
    case 'case': {
      const checks = syntax.checks.map(({ when, result }) => ({
        when: requireBoolean(inner(when)),
        result: inner(result),
      }))
      const otherwise = inner(syntax.otherwise)
      const results = [...checks.map(({ result }) => result), otherwise]
      const owners = together('CASE', ...results, ...checks.map(({ when }) => when))
      return { kind: 'case', checks, otherwise, type: commonTypeOf('CASE', results), owners }
    }
    case 'coalesce': {
      const items = syntax.items.map(inner)
      const type = commonTypeOf('coalesce', items)
      return { kind: 'coalesce', items, type, owners: together('coalesce', ...items) }
    }
    case 'cast': {
      const item = inner(syntax.item)
      return { kind: 'cast', to: syntax.to, item, type: syntax.to, owners: together('CAST', item) }
    }
  }
}

/** @throws `ROOM_SQL_REFUSED` (`forbidden-column`, `contributor-column`, `join-key`) where a column cannot be looked at */
export function requireUsable(column: ColumnExpression): ColumnExpression {
  if (column.forbidden) throw refuse('forbidden-column', 'a column that an owner forbids')
  if (column.contributor) throw refuse('contributor-column', 'the column of contributors')
  if (column.joinKey) throw refuse('join-key', 'a join key')
  return column
}

/** Owners of several expressions together, each once. */
export function ownersOf(items: readonly Traits[]): readonly string[] {
  return [...new Set(items.flatMap(({ owners }) => owners))].sort()
}

function resolveCall(
  name: string,
  syntax: readonly ExpressionSyntax[],
  inner: (one: ExpressionSyntax) => Expression,
): Expression {
  const { resultOf, isArithmetic, constants } = FUNCTIONS.get(name)!
  for (const [at, among] of constants ?? []) {
    const said = syntax[at]
    if (said === undefined) continue
    const isListed = said.kind === 'constant' && (among === undefined || among.includes(said.value as string))
    if (!isListed) throw refuse('function-list', `${name} of something else`)
  }
  const items = syntax.map(inner)
  const type = resultOf(items.map((item) => item.type))
  if (type === undefined) throw refuse('type', name)
  return {
    kind: 'call',
    name,
    items,
    type,
    owners: isArithmetic ? ownersOf(items) : together(name, ...items),
  }
}

/** The owners of what is looked at together, of which there can be one. */
function together(what: string, ...items: readonly Traits[]): readonly string[] {
  const owners = ownersOf(items)
  if (owners.length > 1) throw refuse('compare-owners', what)
  return owners
}

function requireBoolean(item: Expression): Expression {
  if (item.type !== 'boolean' && item.type !== 'null')
    throw refuse('type', `a condition that is ${item.type}`)
  return item
}

function requireComparable(left: Traits, right: Traits): void {
  if (commonType(left.type, right.type) === undefined)
    throw refuse('type', `${left.type} compared with ${right.type}`)
}

function commonTypeOf(what: string, items: readonly Traits[]): ExpressionType {
  let type: ExpressionType = 'null'
  for (const item of items) {
    const common = commonType(type, item.type)
    if (common === undefined) throw refuse('type', `${what} of ${type} and ${item.type}`)
    type = common
  }
  return type
}
