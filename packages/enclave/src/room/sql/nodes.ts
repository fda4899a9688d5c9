/**
 * Nodes of DuckDB's tree as `json_deserialize_sql` reads them. Everything that runs is put together from these: what
 * a template says gets here only as names and values that were read one by one.
 */
import type { ColumnType } from './column-type.ts'
import { DUCKDB_TYPES } from './column-type.ts'
import type { Comparison, Scalar } from './syntax.ts'

export type Json = string | number | boolean | null | readonly Json[] | { readonly [name: string]: Json }

const NO_ORDER: Json = { type: 'ORDER_MODIFIER', orders: [] }
const NO_QUERIES: Json = { map: [] }

function expression(kind: string, type: string, rest: Record<string, Json>): Json {
  return { class: kind, type, alias: '', ...rest }
}

export function columnRef(relation: string, name: string): Json {
  return expression('COLUMN_REF', 'COLUMN_REF', { column_names: [relation, name] })
}

/** A value of one of our types. Days, times and doubles (which JSON writes as whole numbers) are texts that are cast. */
export function constant(type: ColumnType | 'null', value: Scalar): Json {
  if (type === 'null' || value === null) return plain('NULL', null)
  if (type === 'date' || type === 'timestamp' || type === 'number')
    return cast(plain('VARCHAR', String(value)), type)
  return plain(DUCKDB_TYPES[type], value)
}

function plain(id: string, value: Scalar): Json {
  const type = { id, type_info: null }
  return expression('CONSTANT', 'VALUE_CONSTANT', {
    value: value === null ? { type, is_null: true } : { type, is_null: false, value },
  })
}

/** A column of a result by its number, as ORDER BY takes it. */
export function position(at: number): Json {
  return plain('INTEGER', at + 1)
}

/** NULL where it does not go: a cast that failed would say something about a single row. */
export function cast(child: Json, type: ColumnType): Json {
  return expression('CAST', 'OPERATOR_CAST', {
    child,
    cast_type: { id: DUCKDB_TYPES[type], type_info: null },
    try_cast: true,
  })
}

export function call(name: string, children: readonly Json[], rest: Record<string, Json> = {}): Json {
  return expression('FUNCTION', 'FUNCTION', {
    function_name: name,
    schema: '',
    catalog: '',
    children,
    filter: null,
    order_bys: NO_ORDER,
    distinct: false,
    is_operator: false,
    export_state: false,
    ...rest,
  })
}

export function compare(operator: Comparison, left: Json, right: Json): Json {
  return expression('COMPARISON', operator, { left, right })
}

/** True for none, and the one for one. */
export function conjunction(kind: 'and' | 'or', children: readonly Json[]): Json {
  if (children.length === 1) return children[0]!
  if (children.length === 0) return constant('boolean', kind === 'and')
  return expression('CONJUNCTION', kind === 'and' ? 'CONJUNCTION_AND' : 'CONJUNCTION_OR', { children })
}

export function operator(type: string, children: readonly Json[]): Json {
  return expression('OPERATOR', type, { children })
}

export function caseOf(checks: readonly { when: Json; result: Json }[], otherwise: Json): Json {
  return expression('CASE', 'CASE_EXPR', {
    case_checks: checks.map(({ when, result }) => ({ when_expr: when, then_expr: result })),
    else_expr: otherwise,
  })
}

/** `row_number() OVER (PARTITION BY ... ORDER BY ...)`: which templates cannot say, and the engine does. */
export function rowNumber(partitions: readonly Json[], orders: readonly Json[]): Json {
  return expression('WINDOW', 'WINDOW_ROW_NUMBER', {
    function_name: 'row_number',
    schema: '',
    catalog: '',
    children: [],
    partitions,
    orders: orders.map((one) => order(one)),
    start: 'UNBOUNDED_PRECEDING',
    end: 'CURRENT_ROW_RANGE',
    start_expr: null,
    end_expr: null,
    offset_expr: null,
    default_expr: null,
    ignore_nulls: false,
    filter_expr: null,
    exclude_clause: 'NO_OTHER',
    distinct: false,
    arg_orders: [],
  })
}

export function named(node: Json, alias: string): Json {
  return { ...(node as Record<string, Json>), alias }
}

export function order(node: Json, descending = false, nulls = 'ORDER_DEFAULT'): Json {
  return { type: descending ? 'DESCENDING' : 'ASCENDING', null_order: nulls, expression: node }
}

/** Parts of a SELECT. */
export interface SelectParts {
  readonly items: readonly Json[]
  readonly from: Json
  readonly where?: Json | undefined
  readonly groups?: readonly Json[]
  readonly having?: Json | undefined
  readonly order?: readonly Json[]
  readonly limit?: Json | undefined
  readonly offset?: Json | undefined
}

export function select(parts: SelectParts): Json {
  const { items, from, where, groups = [], having, order: orders = [], limit, offset } = parts
  return {
    type: 'SELECT_NODE',
    modifiers: [
      ...(orders.length > 0 ? [{ type: 'ORDER_MODIFIER', orders }] : []),
      ...(limit === undefined && offset === undefined
        ? []
        : [{ type: 'LIMIT_MODIFIER', limit: limit ?? null, offset: offset ?? null }]),
    ],
    cte_map: NO_QUERIES,
    select_list: items,
    from_table: from,
    where_clause: where ?? null,
    group_expressions: groups,
    group_sets: groups.length === 0 ? [] : [groups.map((_, at) => at)],
    aggregate_handling: 'STANDARD_HANDLING',
    having: having ?? null,
    sample: null,
    qualify: null,
  }
}

export function unionAll(left: Json, right: Json): Json {
  return {
    type: 'SET_OPERATION_NODE',
    modifiers: [],
    cte_map: NO_QUERIES,
    setop_type: 'UNION',
    left,
    right,
    setop_all: true,
  }
}

export function tableRef(name: string): Json {
  return {
    type: 'BASE_TABLE',
    alias: '',
    sample: null,
    schema_name: 'main',
    table_name: name,
    column_name_alias: [],
    catalog_name: '',
    at_clause: null,
  }
}

export function subquery(node: Json, alias: string): Json {
  return {
    type: 'SUBQUERY',
    alias,
    sample: null,
    subquery: { node, named_param_map: [] },
    column_name_alias: [],
  }
}

export function join(kind: 'INNER' | 'LEFT', left: Json, right: Json, condition: Json): Json {
  return {
    type: 'JOIN',
    alias: '',
    sample: null,
    left,
    right,
    condition,
    join_type: kind,
    ref_type: 'REGULAR',
    using_columns: [],
    delim_flipped: false,
    duplicate_eliminated_columns: [],
  }
}

/** The whole, as one statement. */
export function statement(node: Json): string {
  return JSON.stringify({ error: false, statements: [{ node, named_param_map: [] }] })
}
