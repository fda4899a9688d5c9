import { call, cast, constant, type Json, named, operator, position } from './nodes.ts'

/** Types whose constants SQL does not write: of 5 it does not say that it has 64 bits, and `true` is a cast of a text. */
const UNWRITTEN: ReadonlyMap<unknown, 'integer' | 'boolean'> = new Map([
  ['BIGINT', 'integer'],
  ['BOOLEAN', 'boolean'],
])

/**
 * A statement of ours with the same meaning, as DuckDB's parser would have made it of text: what is written as SQL and read
 * again is then the same tree, and can be compared. COALESCE under TRY is kept apart from it, see {@link keptApart}.
 * @param statement as `statement` of the nodes makes it
 */
export function inParsedForm(statement: string): string {
  return JSON.stringify(parsed(JSON.parse(statement) as Json))
}

function parsed(value: Json): Json {
  if (typeof value !== 'object' || value === null) return value
  if (isList(value)) return value.map(parsed)
  const type = value['class'] === 'CONSTANT' ? unwrittenType(value['value']) : undefined
  if (type !== undefined) return named(cast(constant('text', saidOf(value['value'])), type), aliasOf(value))
  const node: Record<string, Json> = {}
  for (const [name, member] of Object.entries(value)) node[name] = parsed(member)
  if (node['class'] === 'CONJUNCTION') return { ...node, children: spliced(node) }
  if (node['type'] === 'OPERATOR_TRY') return keptApart(node)
  return node['type'] === 'SELECT_NODE' ? { ...node, ...differentGroups(node) } : node
}

/**
 * `list_extract(TRY(list_value(x)), 1)` for a TRY(x) in which COALESCE makes the result. Where x fails for some rows, DuckDB
 * 1.5 computes it row by row into a vector of one value, and COALESCE writes at the place that the row had among the others:
 * outside of that vector. A function between them has a vector of its own, that is large enough.
 */
function keptApart(node: Record<string, Json>): Json {
  const [child] = list(node['children']) as readonly [Json]
  if (!isMadeByCoalesce(child)) return node
  const values = operator('OPERATOR_TRY', [call('list_value', [child])])
  return named(call('list_extract', [values, position(0)]), aliasOf(node))
}

/** CASE hands its own result to the branch that it takes. */
function isMadeByCoalesce(value: Json): boolean {
  const node = value as Record<string, Json>
  if (node['type'] !== 'CASE_EXPR') return node['type'] === 'OPERATOR_COALESCE'
  const results = list(node['case_checks']).map((check) => (check as Record<string, Json>)['then_expr']!)
  return [...results, node['else_expr']!].some(isMadeByCoalesce)
}

/** AND of ANDs is one AND, and so is OR. */
function spliced({ type, children }: Record<string, Json>): Json[] {
  return list(children).flatMap((child) => {
    const inner = child as Record<string, Json>
    return inner['class'] === 'CONJUNCTION' && inner['type'] === type ? list(inner['children']) : [child]
  })
}

/** Grouping by the same twice is grouping by it once. */
function differentGroups({ group_expressions: groups }: Record<string, Json>): Record<string, Json> {
  const different = [...new Map(list(groups).map((group) => [JSON.stringify(group), group])).values()]
  return {
    group_expressions: different,
    group_sets: different.length === 0 ? [] : [different.map((_, at) => at)],
  }
}

function unwrittenType(value: Json | undefined): 'integer' | 'boolean' | undefined {
  const { type, is_null: isNull } = value as { type: { id: string }; is_null: boolean }
  return isNull ? undefined : UNWRITTEN.get(type.id)
}

function saidOf(value: Json | undefined): string {
  return String((value as { value: number | boolean }).value)
}

function aliasOf(node: { readonly [name: string]: Json }): string {
  return node['alias'] as string
}

function list(value: Json | undefined): readonly Json[] {
  return value as readonly Json[]
}

function isList(value: Json): value is readonly Json[] {
  return Array.isArray(value)
}
