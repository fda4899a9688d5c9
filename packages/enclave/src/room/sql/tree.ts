import { printable, refuse, roomSqlError } from './errors.ts'

/** Characters of a tree as JSON at most: a template of 16384 characters makes some 200 of them for each name it has. */
const MAX_TREE_CHARACTERS = 4 * 1024 * 1024
/** Values of a tree at most: bounds what every later step does. */
const MAX_VALUES = 200_000
/** Depth of JSON at most: an expression takes two levels for each of its own. Bounds the recursion of every later step. */
const MAX_DEPTH = 160

/** A node of DuckDB's tree: only listed members, of which each is read. */
export type Fields = Readonly<Record<string, unknown>>

/**
 * Reads what `json_serialize_sql` answered: one statement, small. The process that wrote it read the template of somebody
 * who may be hostile.
 * @returns its node, and the members of nothing else
 * @throws `ROOM_SQL_REFUSED` (`one-select`, `tree-size`, `node-list`), `ROOM_SQL_SYNTAX`
 */
export function parseTree(json: string): unknown {
  if (json.length > MAX_TREE_CHARACTERS) throw refuse('tree-size', 'it is too long')
  let value: unknown
  try {
    value = JSON.parse(json)
  } catch (cause) {
    throw roomSqlError('ROOM_SQL_CRASHED', 'the process sent no JSON', { cause })
  }
  requireSmall(value)
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw roomSqlError('ROOM_SQL_CRASHED', 'the process sent no tree')
  const { error, error_type: kind, error_message: words, statements } = value as Fields
  if (error === true && kind === 'not implemented')
    throw refuse('one-select', 'a statement that is no SELECT')
  // Its words are about the template: no data are there yet.
  if (error !== false)
    throw roomSqlError('ROOM_SQL_SYNTAX', 'the template is no SQL that DuckDB reads', {
      found: printable(typeof words === 'string' ? words : 'no tree'),
    })
  const all = list(statements)
  if (all.length !== 1) throw refuse('one-select', `${all.length} statements`)
  return fields(all[0], ['node', 'named_param_map'])['node']
}

/** Without recursion, for it is what makes recursion safe. */
function requireSmall(root: unknown): void {
  let values = 0
  let level: unknown[] = [root]
  for (let depth = 0; level.length > 0; depth++) {
    values += level.length
    if (depth > MAX_DEPTH) throw refuse('tree-size', 'it is nested too deeply')
    if (values > MAX_VALUES) throw refuse('tree-size', 'it has too many parts')
    level = level.flatMap((value) =>
      typeof value === 'object' && value !== null ? Object.values(value) : [],
    )
  }
}

/** Members of every expression. The place in the text says nothing. */
const EXPRESSION = ['class', 'type', 'alias', 'query_location']

/** Reads an object that has no member but these. @throws `node-list` */
export function fields(value: unknown, names: readonly string[]): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw refuse('node-list', 'something that is no node')
  const unknown = Object.keys(value).find((name) => !names.includes(name))
  if (unknown !== undefined) throw refuse('node-list', unknown)
  return value as Fields
}

/** Reads an expression, which has no members but these and those that all have. @throws `node-list` */
export function expressionFields(value: unknown, names: readonly string[]): Fields {
  return fields(value, [...EXPRESSION, ...names])
}

export function list(value: unknown): readonly unknown[] {
  if (!Array.isArray(value)) throw refuse('node-list', 'something that is no list')
  return value
}

export function text(value: unknown): string {
  if (typeof value !== 'string') throw refuse('node-list', 'something that is no text')
  return value
}

/** Requires that a part of the tree is absent: null, false, empty. @throws `node-list` with its name */
export function absent(node: Fields, ...names: readonly string[]): void {
  for (const name of names) {
    const value = node[name]
    const isAbsent =
      value === null ||
      value === undefined ||
      value === false ||
      value === '' ||
      (Array.isArray(value) && value.length === 0)
    if (!isAbsent) throw refuse('node-list', name)
  }
}
