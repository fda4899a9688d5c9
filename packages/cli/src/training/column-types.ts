import { type Column, COLUMN_NAME, MAX_COLUMNS } from '@sotto/protocol/contract'
import { cliError } from '../errors.ts'

/** A column as the beginning of a file shows it: its name and type, and nothing of its values. */
export interface FoundColumn {
  name: string
  type: Column['type']
}

/** Rows that are looked at. */
const MAX_ROWS = 1000

/** From the narrowest: a column is of the first type that all its values are of. */
const TYPES: readonly (readonly [type: Column['type'], pattern: RegExp])[] = [
  ['boolean', /^(?:true|false)$/],
  ['integer', /^[+-]?\d{1,15}$/],
  ['number', /^[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d{1,4})?$/],
  ['date', /^\d{4}-\d{2}-\d{2}$/],
  ['timestamp', /^\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?(?:Z|[+-]\d{2}:\d{2})?$/],
]

/**
 * Columns of CSV (RFC 4180) by its first line of names, and by what stands in the first thousand rows.
 * @param text the beginning of a file; its last line may be cut
 * @throws `CLI_FILE` that repeats nothing of the file: without a line of names, it is somebody's data
 */
export function columnsIn(text: string): FoundColumn[] {
  const [names, ...rows] = recordsIn(text.replace(/^\uFEFF/, ''))
  if (names === undefined) throw refused('it has no line of names')
  if (names.length > MAX_COLUMNS) throw refused('it has too many columns', `at most ${MAX_COLUMNS}`)
  const wrong = names.findIndex((name) => !COLUMN_NAME.test(name))
  if (wrong >= 0) throw refused(`column ${wrong + 1} has no name that contracts take`, COLUMN_NAME.source)
  if (new Set(names.map((name) => name.toLowerCase())).size < names.length)
    throw refused('two columns have one name')
  const whole = rows.filter(({ length }) => length === names.length)
  if (whole.length === 0) throw refused('no row has a value for each name')
  return names.map((name, at) => ({ name, type: typeOf(whole.map((row) => row[at]!)) }))
}

function typeOf(values: readonly string[]): Column['type'] {
  const given = values.filter((value) => value !== '')
  if (given.length === 0) return 'text'
  return TYPES.find(([, pattern]) => given.every((value) => pattern.test(value)))?.[0] ?? 'text'
}

/** Records that are whole: cells by commas, in quotes where they have commas, quotes or line breaks. */
function recordsIn(text: string): string[][] {
  const records: string[][] = []
  const cell = /(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r?\n)/y
  let record: string[] = []
  while (records.length <= MAX_ROWS) {
    const found = cell.exec(text)
    if (found === null) break
    const [, quoted, plain, end] = found
    record.push(quoted?.replaceAll('""', '"') ?? plain!)
    if (end === ',') continue
    // An empty line is no row.
    if (record.length > 1 || record[0] !== '') records.push(record)
    record = []
  }
  return records
}

function refused(message: string, expected?: string): Error {
  return cliError('CLI_FILE', `this is no table that a draft can be made of: ${message}`, {
    ...(expected !== undefined && { expected }),
    hint: 'CSV with a first line of names',
  })
}
