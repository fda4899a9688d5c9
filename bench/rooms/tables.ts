import type { Column, Name } from '@sotto/protocol/contract'
import { runPlain } from './plain-run.ts'

/** A table that the programs here make from a seed. */
export interface BenchTable {
  readonly name: Name
  readonly owner: Name
  /** Says who contributed a row; every contributor has one row. */
  readonly contributor: string
  readonly columns: readonly Column[]
  /** DuckDB's expressions of the columns, over the number `i` of a row and the number of `ROWS`. */
  readonly expressions: readonly string[]
}

/** Larger than any number of rows and prime, so that it visits every row once: keys come in no order. */
const STRIDE = 6_180_339_887

/** Two tables of two owners, with the same people in another order. */
export const PEOPLE: BenchTable = {
  name: 'people',
  owner: 'bank',
  contributor: 'id',
  columns: [
    { name: 'id', type: 'integer' },
    { name: 'region', type: 'text' },
    { name: 'age', type: 'integer' },
  ],
  expressions: [
    `((i * ${STRIDE} + 5) % ROWS)::BIGINT`,
    `(hash(i * 2 + 1) % 50)::VARCHAR`,
    `(18 + hash(i * 3) % 80)::BIGINT`,
  ],
}
export const PURCHASES: BenchTable = {
  name: 'purchases',
  owner: 'shop',
  contributor: 'id',
  columns: [
    { name: 'id', type: 'integer' },
    { name: 'amount', type: 'number' },
    { name: 'month', type: 'integer' },
  ],
  expressions: [
    `((i * ${STRIDE} + 77) % ROWS)::BIGINT`,
    `(hash(i * 5) % 100000) / 100.0`,
    `(1 + hash(i * 7) % 12)::BIGINT`,
  ],
}

/** Writes a table as Parquet, as DuckDB writes it when it is told nothing else. The same rows are the same values. */
export async function writeParquet(table: BenchTable, rows: number, file: string): Promise<void> {
  const items = table.columns.map(
    ({ name }, at) => `${table.expressions[at]!.replaceAll('ROWS', `${rows}`)} AS ${name}`,
  )
  await runPlain({
    threads: 2,
    memoryBytes: 4 * 2 ** 30,
    tables: {},
    sql: `COPY (SELECT ${items.join(', ')} FROM range(${rows}) r(i)) TO '${file}' (FORMAT parquet)`,
  })
}
