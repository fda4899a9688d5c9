import type { ColumnType } from './column-type.ts'
import { roomSqlError } from './errors.ts'
import type { ResultColumn } from './plan.ts'

/**
 * A result as it leaves a room: lines of JSON. The first says the columns, `{"columns":[{"name":"n","type":"integer"}]}`;
 * each other is a row, `[12]`. The same rows are the same bytes.
 */
export interface SqlResult {
  readonly columns: readonly ResultColumn[]
  readonly rows: number
  readonly bytes: Uint8Array
}

/** The line before the rows. */
export function encodeHeader(columns: readonly ResultColumn[]): Uint8Array {
  return Buffer.from(`${JSON.stringify({ columns: columns.map(({ name, type }) => ({ name, type })) })}\n`)
}

/** A value of a row. Whole numbers that a double does not hold are `bigint`. */
export type SqlValue = string | number | bigint | boolean | null

const LINE_FEED = 0x0a

/**
 * Reads rows as a process sent them, one at a time, and requires that they are what the plan says: nothing of the inputs
 * leaves with them but values in columns of these types.
 * @throws `ROOM_SQL_CRASHED`
 */
export function* decodeRows(bytes: Uint8Array, types: readonly ColumnType[]): Generator<SqlValue[], void> {
  const decoder = new TextDecoder('utf-8', { fatal: true })
  for (let at = 0; at < bytes.length;) {
    const end = bytes.indexOf(LINE_FEED, at)
    if (end < 0) throw malformed()
    let line: string
    try {
      line = decoder.decode(bytes.subarray(at, end))
    } catch {
      throw malformed()
    }
    yield decodeRow(line, types)
    at = end + 1
  }
}

function decodeRow(line: string, types: readonly ColumnType[]): SqlValue[] {
  let row: unknown
  try {
    // Whole numbers keep all their digits.
    row = JSON.parse(line, (_, value: unknown, context?: { source?: string }) =>
      typeof value === 'number' && !Number.isSafeInteger(value) && /^-?[0-9]+$/.test(context?.source ?? '')
        ? BigInt(context!.source!)
        : value,
    )
  } catch {
    throw malformed()
  }
  if (!Array.isArray(row) || row.length !== types.length) throw malformed()
  if (!row.every((value, at) => value === null || isOf(value, types[at]!))) throw malformed()
  return row as SqlValue[]
}

const NOT_IN_JSON: ReadonlySet<unknown> = new Set(['NaN', 'Infinity', '-Infinity'])

function isOf(value: unknown, type: ColumnType): boolean {
  switch (type) {
    case 'boolean':
      return typeof value === 'boolean'
    case 'integer':
      return typeof value === 'bigint' || typeof value === 'number'
    case 'number':
      return typeof value === 'number' || typeof value === 'bigint' || NOT_IN_JSON.has(value)
    case 'text':
    case 'date':
    case 'timestamp':
      return typeof value === 'string'
  }
}

function malformed(): Error {
  return roomSqlError('ROOM_SQL_CRASHED', 'the process sent rows that are none of the query')
}
