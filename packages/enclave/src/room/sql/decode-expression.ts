import type { ColumnType } from './column-type.ts'
import { refuse } from './errors.ts'
import { FUNCTIONS } from './functions.ts'
import {
  AGGREGATES,
  type AggregateName,
  type Comparison,
  COMPARISONS,
  type ExpressionSyntax,
} from './syntax.ts'
import { absent, expressionFields, type Fields, fields, list, text } from './tree.ts'

/** Other names of listed aggregates. */
const AGGREGATE_NAMES: ReadonlyMap<string, AggregateName> = new Map([
  ...AGGREGATES.map((name) => [name, name] as const),
  ['count_star', 'count'],
  ['mean', 'avg'],
  ['stddev', 'stddev_samp'],
  ['variance', 'var_samp'],
])

/** What can be cast to. Whole numbers are all of 64 bits here. */
const CASTS: ReadonlyMap<string, ColumnType> = new Map([
  ['BOOLEAN', 'boolean'],
  ['INTEGER', 'integer'],
  ['BIGINT', 'integer'],
  ['DOUBLE', 'number'],
  ['VARCHAR', 'text'],
  ['DATE', 'date'],
  ['TIMESTAMP', 'timestamp'],
])

/**
 * Reads an expression of DuckDB's tree, if it has only listed nodes, functions and casts.
 * @throws `ROOM_SQL_REFUSED` (`node-list`, `function-list`, `cast-list`)
 */
export function decodeExpression(value: unknown): ExpressionSyntax {
  const kind = (value as Fields | null)?.['class']
  if (typeof kind !== 'string' || !Object.hasOwn(DECODERS, kind)) throw refuse('node-list', `${String(kind)}`)
  return DECODERS[kind as keyof typeof DECODERS](value)
}

const DECODERS = {
  COLUMN_REF(value: unknown): ExpressionSyntax {
    const { column_names: names } = expressionFields(value, ['column_names'])
    return { kind: 'column', path: list(names).map(text) }
  },
  CONSTANT(value: unknown): ExpressionSyntax {
    return decodeConstant(expressionFields(value, ['value'])['value'])
  },
  PARAMETER(value: unknown): ExpressionSyntax {
    return { kind: 'parameter', name: text(expressionFields(value, ['identifier'])['identifier']) }
  },
  FUNCTION: decodeFunction,
  COMPARISON(value: unknown): ExpressionSyntax {
    const { type, left, right } = expressionFields(value, ['left', 'right'])
    if (!COMPARISONS.includes(type as Comparison)) throw refuse('node-list', text(type))
    return {
      kind: 'compare',
      operator: type as Comparison,
      left: decodeExpression(left),
      right: decodeExpression(right),
    }
  },
  BETWEEN(value: unknown): ExpressionSyntax {
    const { type, input, lower, upper } = expressionFields(value, ['input', 'lower', 'upper'])
    if (type !== 'COMPARE_BETWEEN') throw refuse('node-list', text(type))
    const left = decodeExpression(input)
    return {
      kind: 'and',
      items: [
        { kind: 'compare', operator: 'COMPARE_GREATERTHANOREQUALTO', left, right: decodeExpression(lower) },
        { kind: 'compare', operator: 'COMPARE_LESSTHANOREQUALTO', left, right: decodeExpression(upper) },
      ],
    }
  },
  CONJUNCTION(value: unknown): ExpressionSyntax {
    const { type, children } = expressionFields(value, ['children'])
    if (type !== 'CONJUNCTION_AND' && type !== 'CONJUNCTION_OR') throw refuse('node-list', text(type))
    return { kind: type === 'CONJUNCTION_AND' ? 'and' : 'or', items: list(children).map(decodeExpression) }
  },
  OPERATOR: decodeOperator,
  CASE(value: unknown): ExpressionSyntax {
    const { case_checks: checks, else_expr: otherwise } = expressionFields(value, [
      'case_checks',
      'else_expr',
    ])
    return {
      kind: 'case',
      checks: list(checks).map((check) => {
        const { when_expr: when, then_expr: result } = fields(check, ['when_expr', 'then_expr'])
        return { when: decodeExpression(when), result: decodeExpression(result) }
      }),
      otherwise: decodeExpression(otherwise),
    }
  },
  CAST(value: unknown): ExpressionSyntax {
    const { child, cast_type: type } = expressionFields(value, ['child', 'cast_type', 'try_cast'])
    const { id, type_info: info } = fields(type, ['id', 'type_info'])
    const to = CASTS.get(text(id))
    if (to === undefined || info !== null) throw refuse('cast-list', text(id))
    const item = decodeExpression(child)
    // How DuckDB writes true and false.
    if (to === 'boolean' && item.kind === 'constant' && (item.value === 't' || item.value === 'f'))
      return { kind: 'constant', type: 'boolean', value: item.value === 't' }
    return { kind: 'cast', to, item }
  },
}

function decodeFunction(value: unknown): ExpressionSyntax {
  const node = expressionFields(value, [
    'function_name',
    'schema',
    'catalog',
    'children',
    'filter',
    'order_bys',
    'distinct',
    'is_operator',
    'export_state',
  ])
  absent(node, 'catalog', 'export_state', 'filter')
  const { modifiers } = { modifiers: fields(node['order_bys'], ['type', 'orders']) }
  absent(modifiers, 'orders')
  if (node['schema'] !== '' && node['schema'] !== 'main') throw refuse('function-list', text(node['schema']))
  const name = text(node['function_name']).toLowerCase()
  const items = list(node['children']).map(decodeExpression)
  const aggregate = AGGREGATE_NAMES.get(name)
  if (aggregate !== undefined) {
    const [argument, more] = items
    if (more !== undefined || (argument === undefined && aggregate !== 'count'))
      throw refuse('aggregate-list', `${name} of so many`)
    const distinct = node['distinct'] === true
    return { kind: 'aggregate', name: aggregate, distinct, ...(argument !== undefined && { argument }) }
  }
  if (!FUNCTIONS.has(name)) throw refuse('function-list', name)
  absent(node, 'distinct')
  return { kind: 'call', name, items }
}

function decodeOperator(value: unknown): ExpressionSyntax {
  const { type, children } = expressionFields(value, ['children'])
  const items = list(children)
  const item = (): ExpressionSyntax => {
    if (items.length !== 1) throw refuse('node-list', `${text(type)} of so many`)
    return decodeExpression(items[0])
  }
  switch (type) {
    case 'OPERATOR_NOT':
      return { kind: 'not', item: item() }
    case 'OPERATOR_IS_NULL':
    case 'OPERATOR_IS_NOT_NULL':
      return { kind: 'is-null', item: item(), negated: type === 'OPERATOR_IS_NOT_NULL' }
    case 'OPERATOR_COALESCE':
      return { kind: 'coalesce', items: items.map(decodeExpression) }
    case 'COMPARE_IN':
    case 'COMPARE_NOT_IN': {
      const [first, ...rest] = items.map(decodeExpression)
      if (first === undefined || rest.length === 0) throw refuse('node-list', 'IN of nothing')
      return { kind: 'in', item: first, list: rest, negated: type === 'COMPARE_NOT_IN' }
    }
    default:
      throw refuse('node-list', text(type))
  }
}

function decodeConstant(value: unknown): ExpressionSyntax {
  const { type, is_null: isNull, value: said } = fields(value, ['type', 'is_null', 'value'])
  const { id, type_info: info } = fields(type, ['id', 'type_info'])
  if (id === 'NULL' || isNull === true) return { kind: 'constant', type: 'null', value: null }
  if (id === 'VARCHAR' && typeof said === 'string') return { kind: 'constant', type: 'text', value: said }
  if (id === 'BOOLEAN' && typeof said === 'boolean') return { kind: 'constant', type: 'boolean', value: said }
  if (id === 'DOUBLE' && typeof said === 'number') return { kind: 'constant', type: 'number', value: said }
  // A number that JSON.parse rounds is not the number that DuckDB read.
  if (!Number.isSafeInteger(said)) throw refuse('node-list', `a constant of type ${text(id)}`)
  if (id === 'INTEGER' || id === 'BIGINT') return { kind: 'constant', type: 'integer', value: said as number }
  if (id === 'DECIMAL') {
    const { scale } = fields(info, ['type', 'alias', 'extension_info', 'width', 'scale'])
    if (!Number.isSafeInteger(scale)) throw refuse('node-list', 'a constant without a scale')
    return { kind: 'constant', type: 'number', value: Number(`${said as number}e-${scale as number}`) }
  }
  throw refuse('node-list', `a constant of type ${text(id)}`)
}
