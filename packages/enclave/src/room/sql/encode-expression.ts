import type { Expression } from './plan.ts'
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

/** Functions whose whole numbers are doubles here: what they answer has then one type. */
const OF_DOUBLES: ReadonlySet<string> = new Set(['round', 'floor', 'ceil', 'ceiling'])

/**
 * The node of an expression over single rows or single groups, made so that it answers NULL where it would fail: whether a
 * query fails depends on rows that nobody is to learn of.
 */
export function encodeTotal(expression: Expression, values: ParameterValues): Json {
  const node = encodeExpression(expression, values)
  return canFail(expression) ? operator('OPERATOR_TRY', [node]) : node
}

function canFail(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false
  const { kind } = value as { kind?: unknown }
  return kind === 'call' || kind === 'cast' || Object.values(value).some(canFail)
}

/** Values of parameters take their place as values: nothing of them is ever read as SQL. */
export function encodeExpression(expression: Expression, values: ParameterValues): Json {
  const inner = (one: Expression): Json => encodeExpression(one, values)
  switch (expression.kind) {
    case 'column':
      return columnRef(expression.relation, expression.name)
    case 'constant':
      return constant(expression.type, expression.value)
    case 'parameter': {
      const value = values.get(expression.name)
      if (value === undefined) throw new TypeError('a parameter without a value')
      return constant(value.type, value.value)
    }
    case 'call':
      return encodeCall(expression, inner)
    case 'compare':
      return compare(expression.operator, inner(expression.left), inner(expression.right))
    case 'and':
    case 'or':
      return conjunction(expression.kind, expression.items.map(inner))
    case 'not':
      return operator('OPERATOR_NOT', [inner(expression.item)])
    case 'is-null':
      return operator(expression.negated ? 'OPERATOR_IS_NOT_NULL' : 'OPERATOR_IS_NULL', [
        inner(expression.item),
      ])
    case 'in':
      return operator(expression.negated ? 'COMPARE_NOT_IN' : 'COMPARE_IN', [
        inner(expression.item),
        ...expression.list.map(inner),
      ])
    case 'case':
      return caseOf(
        expression.checks.map(({ when, result }) => ({ when: inner(when), result: inner(result) })),
        inner(expression.otherwise),
      )
    case 'coalesce':
      return operator('OPERATOR_COALESCE', expression.items.map(inner))
    case 'cast':
      return cast(inner(expression.item), expression.to)
  }
}

function encodeCall(expression: Expression & { kind: 'call' }, inner: (one: Expression) => Json): Json {
  const { name, items, type } = expression
  const children = items.map(inner)
  if (OF_DOUBLES.has(name)) return call(name, [cast(children[0]!, 'number'), ...places(items)])
  const node = call(name, children)
  // DuckDB makes a time of a day here.
  return name === 'date_trunc' && type !== 'null' ? cast(node, type) : node
}

/** `round` takes a number of places that is a constant of 32 bits. */
function places(items: readonly Expression[]): Json[] {
  const [, said] = items
  if (said === undefined || said.kind !== 'constant') return []
  const value = Math.max(-15, Math.min(15, said.value as number))
  const type = { id: 'INTEGER', type_info: null }
  return [{ class: 'CONSTANT', type: 'VALUE_CONSTANT', alias: '', value: { type, is_null: false, value } }]
}
