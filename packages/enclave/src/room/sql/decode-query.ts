import { COLUMN_NAME } from '@sotto/protocol/contract'
import { decodeExpression } from './decode-expression.ts'
import { refuse } from './errors.ts'
import type { FromSyntax, ItemSyntax, OrderSyntax, QuerySyntax, SelectSyntax } from './syntax.ts'
import { absent, expressionFields, type Fields, fields, list, text } from './tree.ts'

/** Names of tables in a contract have hyphens. */
const TABLE_NAME = /^[A-Za-z_][A-Za-z0-9_-]{0,62}$/

const SELECT = [
  'type',
  'modifiers',
  'cte_map',
  'select_list',
  'from_table',
  'where_clause',
  'group_expressions',
  'group_sets',
  'aggregate_handling',
  'having',
  'sample',
  'qualify',
]

/**
 * Reads a query of DuckDB's tree, if it has only listed parts.
 * @throws `ROOM_SQL_REFUSED` (`node-list`, `function-list`, `cast-list`, `identifier`, `known-table`, `union`, `join-condition`)
 */
export function decodeQuery(value: unknown): QuerySyntax {
  const type = (value as Fields | null)?.['type']
  if (type === 'SELECT_NODE') return decodeSelect(fields(value, SELECT))
  if (type === 'SET_OPERATION_NODE') return decodeUnion(value)
  throw refuse('node-list', String(type))
}

function decodeSelect(node: Fields): SelectSyntax {
  absent(node, 'sample', 'qualify')
  if (node['aggregate_handling'] !== 'STANDARD_HANDLING') throw refuse('node-list', 'GROUP BY ALL')
  const groups = list(node['group_expressions']).map(decodeExpression)
  // Anything else is ROLLUP, CUBE or GROUPING SETS.
  const sets = JSON.stringify(node['group_sets'])
  if (sets !== JSON.stringify(groups.length === 0 ? [] : [groups.map((_, at) => at)]))
    throw refuse('node-list', 'grouping sets')
  const { where_clause: where, having } = node
  return {
    kind: 'select',
    queries: decodeQueries(node['cte_map']),
    items: list(node['select_list']).map(decodeItem),
    from: decodeFrom(node['from_table']),
    where: where === null ? undefined : decodeExpression(where),
    groups,
    having: having === null ? undefined : decodeExpression(having),
    ...decodeModifiers(node['modifiers']),
  }
}

function decodeUnion(value: unknown): QuerySyntax {
  const node = fields(value, [
    'type',
    'modifiers',
    'cte_map',
    'setop_type',
    'left',
    'right',
    'setop_all',
    'children',
  ])
  if (node['setop_type'] !== 'UNION' || node['setop_all'] !== true)
    throw refuse('union', text(node['setop_type']))
  absent(node, 'modifiers')
  const branches = node['children'] === undefined ? [node['left'], node['right']] : list(node['children'])
  return { kind: 'union', queries: decodeQueries(node['cte_map']), branches: branches.map(decodeQuery) }
}

function decodeQueries(value: unknown): ReadonlyMap<string, QuerySyntax> {
  const queries = new Map<string, QuerySyntax>()
  for (const entry of list(fields(value, ['map'])['map'])) {
    const { key, value: said } = fields(entry, ['key', 'value'])
    const node = fields(said, ['aliases', 'query', 'materialized', 'key_targets'])
    absent(node, 'aliases', 'key_targets')
    const { node: query } = fields(node['query'], ['node', 'named_param_map'])
    const name = identifier(key)
    if (queries.has(name)) throw refuse('identifier', `${name} twice`)
    queries.set(name, decodeQuery(query))
  }
  return queries
}

function decodeItem(value: unknown): ItemSyntax {
  const { class: kind, alias } = value as Fields
  if (kind === 'STAR') {
    const node = expressionFields(value, [
      'relation_name',
      'exclude_list',
      'replace_list',
      'columns',
      'expr',
      'qualified_exclude_list',
      'rename_list',
    ])
    absent(
      node,
      'alias',
      'exclude_list',
      'replace_list',
      'columns',
      'expr',
      'qualified_exclude_list',
      'rename_list',
    )
    const table = text(node['relation_name'])
    return { kind: 'star', table: table === '' ? undefined : identifier(table) }
  }
  const expression = decodeExpression(value)
  if (alias === '') return { kind: 'item', expression, alias: undefined }
  if (typeof alias !== 'string' || !COLUMN_NAME.test(alias)) throw refuse('identifier', String(alias))
  return { kind: 'item', expression, alias }
}

function decodeFrom(value: unknown): FromSyntax {
  const type = (value as Fields | null)?.['type']
  const common = ['type', 'alias', 'sample', 'query_location']
  if (type === 'BASE_TABLE') {
    const node = fields(value, [
      ...common,
      'schema_name',
      'table_name',
      'column_name_alias',
      'catalog_name',
      'at_clause',
    ])
    absent(node, 'sample', 'column_name_alias', 'at_clause')
    if (node['schema_name'] !== '' || node['catalog_name'] !== '')
      throw refuse('known-table', `${text(node['schema_name'])}.${text(node['table_name'])}`)
    const name = text(node['table_name'])
    if (!TABLE_NAME.test(name)) throw refuse('known-table', name)
    return {
      kind: 'table',
      name,
      alias: node['alias'] === '' ? name.toLowerCase() : identifier(node['alias']),
    }
  }
  if (type === 'SUBQUERY') {
    const node = fields(value, [...common, 'subquery', 'column_name_alias'])
    absent(node, 'sample', 'column_name_alias')
    const { node: query } = fields(node['subquery'], ['node', 'named_param_map'])
    return {
      kind: 'query',
      query: decodeQuery(query),
      alias: node['alias'] === '' ? '' : identifier(node['alias']),
    }
  }
  if (type === 'JOIN') return decodeJoin(value, common)
  if (type === 'EMPTY') throw refuse('known-table', 'a SELECT without FROM')
  throw refuse('node-list', String(type))
}

function decodeJoin(value: unknown, common: readonly string[]): FromSyntax {
  const node = fields(value, [
    ...common,
    'left',
    'right',
    'condition',
    'join_type',
    'ref_type',
    'using_columns',
    'delim_flipped',
    'duplicate_eliminated_columns',
  ])
  absent(node, 'alias', 'sample', 'delim_flipped', 'duplicate_eliminated_columns')
  const { ref_type: kind, join_type: join, condition } = node
  if (kind !== 'REGULAR') throw refuse('join-condition', `${text(kind)} JOIN`)
  if (join !== 'INNER' && join !== 'LEFT') throw refuse('node-list', `${text(join)} JOIN`)
  return {
    kind: 'join',
    join,
    left: decodeFrom(node['left']),
    right: decodeFrom(node['right']),
    using: list(node['using_columns']).map(identifier),
    condition: condition === null ? undefined : decodeExpression(condition),
  }
}

function decodeModifiers(value: unknown): Pick<SelectSyntax, 'order' | 'limit' | 'offset'> {
  const read: Pick<SelectSyntax, 'order' | 'limit' | 'offset'> = {
    order: [],
    limit: undefined,
    offset: undefined,
  }
  for (const modifier of list(value)) {
    const { type } = modifier as Fields
    if (type === 'ORDER_MODIFIER') {
      read.order = list(fields(modifier, ['type', 'orders'])['orders']).map(decodeOrder)
    } else if (type === 'LIMIT_MODIFIER') {
      const { limit, offset } = fields(modifier, ['type', 'limit', 'offset'])
      if (limit !== null) read.limit = decodeExpression(limit)
      if (offset !== null) read.offset = decodeExpression(offset)
    } else throw refuse('node-list', String(type))
  }
  return read
}

const NULLS = ['ORDER_DEFAULT', 'NULLS FIRST', 'NULLS LAST'] as const

function decodeOrder(value: unknown): OrderSyntax {
  const { type, null_order: said, expression } = fields(value, ['type', 'null_order', 'expression'])
  const nulls = NULLS.find((one) => one === said)
  if (nulls === undefined) throw refuse('node-list', String(said))
  return { expression: decodeExpression(expression), descending: type === 'DESCENDING', nulls }
}

/** A name in lower case, of letters, digits and underscores (hyphens where it may be a table's). */
function identifier(value: unknown): string {
  const said = text(value)
  if (!TABLE_NAME.test(said)) throw refuse('identifier', said)
  return said.toLowerCase()
}
