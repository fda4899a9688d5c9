import type { Column } from '@sotto/protocol/contract'

/** Types of columns: those that every format of tables has. */
export type ColumnType = Column['type']

/** Types of expressions. `null` is of a literal that fits everywhere. */
export type ExpressionType = ColumnType | 'null'

/** DuckDB's type for each of ours. */
export const DUCKDB_TYPES: Readonly<Record<ColumnType, string>> = {
  boolean: 'BOOLEAN',
  integer: 'BIGINT',
  number: 'DOUBLE',
  text: 'VARCHAR',
  date: 'DATE',
  timestamp: 'TIMESTAMP',
}

/** Whether arithmetic is done with it. */
export function isNumeric(type: ExpressionType): boolean {
  return type === 'integer' || type === 'number' || type === 'null'
}

/** The type of what is one or the other; undefined where nothing is. */
export function commonType(one: ExpressionType, other: ExpressionType): ExpressionType | undefined {
  if (one === other || other === 'null') return one
  if (one === 'null') return other
  if (isNumeric(one) && isNumeric(other)) return 'number'
  const days: readonly ExpressionType[] = ['date', 'timestamp']
  return days.includes(one) && days.includes(other) ? 'timestamp' : undefined
}
