import type { ColumnType } from './column-type.ts'

/**
 * A row as JSON: whole numbers with all their digits, doubles that JSON does not have as `"NaN"`, `"Infinity"` and
 * `"-Infinity"`, days as `2026-11-29`, times as `2026-11-29T12:00:00`, with a fraction
 * where there is one.
 * @param row values as DuckDB's library gives them
 */
export function encodeRow(row: readonly unknown[], types: readonly ColumnType[]): string {
  return `[${row.map((value, at) => encodeValue(value, types[at]!)).join(',')}]`
}

function encodeValue(value: unknown, type: ColumnType): string {
  if (value === null || value === undefined) return 'null'
  switch (type) {
    case 'integer':
      // Doubles come of expressions that are whole numbers here and were none there.
      return typeof value === 'bigint' ? value.toString() : JSON.stringify(Number(value))
    case 'number': {
      const number = Number(value)
      return Number.isFinite(number) ? JSON.stringify(number) : JSON.stringify(String(number))
    }
    case 'boolean':
      return value === true ? 'true' : 'false'
    case 'text':
      return JSON.stringify(String(value))
    case 'date':
      return JSON.stringify(String(value).slice(0, 64))
    case 'timestamp':
      return JSON.stringify(String(value).replace(' ', 'T').slice(0, 64))
  }
}
