import { readSync } from 'node:fs'
import { COLUMN_NAME } from '@sotto/protocol/contract'
import { type ColumnType, DUCKDB_TYPES } from './column-type.ts'
import type { DuckDbConnection } from './duckdb.ts'
import { tableName } from './encode-plan.ts'
import { type InputFault, refusedInput, roomSqlError } from './errors.ts'
import { parseCsvHeader } from './csv-header.ts'
import type { TableMessage } from './messages.ts'
import { fold } from './scope.ts'

/** Bytes of the first line of a CSV file at most: 256 names of 63 letters, in quotes. */
const MAX_HEADER_BYTES = 32_768
/** Bytes of one row at most. */
const MAX_ROW_BYTES = 1_048_576

/** Path of a descriptor of this process. */
export function pathOf(fd: number): string {
  return `/proc/self/fd/${fd}`
}

/**
 * Makes a table of what an owner brought: `t0` with columns `c0`, `c1`, ... Its names, their order and its types have to be
 * those of the contract; a row that is not refuses the whole, and nothing is said of it.
 * @returns of each column, whether no row lacks it
 * @throws `ROOM_SQL_INPUT`
 */
export async function loadTable(
  connection: DuckDbConnection,
  at: number,
  table: TableMessage,
): Promise<readonly boolean[]> {
  // A contract has no others; here they become part of SQL.
  if (!table.columns.every(({ name }) => COLUMN_NAME.test(name))) throw refusedInput(at, 'names of columns')
  try {
    return await LOADERS[table.format](connection, tableName(at), table)
  } catch (cause) {
    // DuckDB quotes the row that it could not read.
    if (cause instanceof Error && cause.name === 'SottoError') throw cause
    const isMemory = cause instanceof Error && /^Out of Memory/i.test(cause.message)
    throw isMemory
      ? roomSqlError('ROOM_SQL_MEMORY', 'the inputs need more memory than the query may have')
      : refusedInput(at, 'rows of these types')
  }
}

const LOADERS = {
  async csv(connection: DuckDbConnection, name: string, { fd, columns }: TableMessage): Promise<boolean[]> {
    const header = parseCsvHeader(readStart(fd))
    requireNames(name, header, columns)
    const types = columns.map(({ type }, at) => `'c${at}': '${CSV_TYPES[type]}'`).join(', ')
    const items = columns.map(({ type }, at) =>
      type === 'integer' ? `${wholeNumber(`c${at}`)} AS c${at}` : `c${at}`,
    )
    await connection.run(
      `CREATE TABLE ${name} AS SELECT ${items.join(', ')} FROM read_csv('${pathOf(fd)}', auto_detect = false, header = true,
        columns = {${types}}, delim = ',', quote = '"', escape = '"', nullstr = '', allow_quoted_nulls = false,
        strict_mode = true, ignore_errors = false, null_padding = false, max_line_size = ${MAX_ROW_BYTES},
        hive_partitioning = false)`,
    )
    return findNeverNull(connection, name, columns.length)
  },
  async jsonl(connection: DuckDbConnection, name: string, { fd, columns }: TableMessage): Promise<boolean[]> {
    const rows = `read_ndjson_objects('${pathOf(fd)}', ignore_errors = false, maximum_object_size = ${MAX_ROW_BYTES},
      hive_partitioning = false)`
    const keys = `[${columns.map((column) => `'${column.name}'`).join(', ')}]`
    const wrong = [
      `json_type(json) <> 'OBJECT'`,
      `json_keys(json) IS DISTINCT FROM ${keys}`,
      ...columns.map((column) => {
        const types = JSON_TYPES[column.type].map((type) => `'${type}'`).join(', ')
        return `json_type(json, '$.${column.name}') NOT IN ('NULL', ${types})`
      }),
    ]
    const [counted] = await read(connection, `SELECT count(*) FROM ${rows} WHERE ${wrong.join(' OR ')}`)
    if (counted?.[0] !== 0n) throw refusedName(name, 'objects with the columns of the contract, in its order')
    const items = columns.map(
      (column, at) => `CAST(json ->> '$.${column.name}' AS ${DUCKDB_TYPES[column.type]}) AS c${at}`,
    )
    await connection.run(`CREATE TABLE ${name} AS SELECT ${items.join(', ')} FROM ${rows}`)
    return findNeverNull(connection, name, columns.length)
  },
  async parquet(
    connection: DuckDbConnection,
    name: string,
    { fd, columns }: TableMessage,
  ): Promise<boolean[]> {
    const file = `'${pathOf(fd)}'`
    const rows = `read_parquet(${file}, hive_partitioning = false, union_by_name = false)`
    const described = await read(connection, `DESCRIBE SELECT * FROM ${rows}`)
    requireNames(
      name,
      described.map(([label]) => String(label)),
      columns,
    )
    const wrong = columns.some(({ type }, at) => !PARQUET_TYPES[type].includes(String(described[at]![1])))
    if (wrong) throw refusedName(name, 'columns of the types of the contract')
    // Not copied: only what a query needs is read.
    const items = columns.map(
      ({ name: label, type }, at) => `CAST("${label}" AS ${DUCKDB_TYPES[type]}) AS c${at}`,
    )
    await connection.run(`CREATE VIEW ${name} AS SELECT ${items.join(', ')} FROM ${rows}`)
    // What the file says of itself: an owner who lies there unprotects nobody but its own contributors.
    const counts = await read(
      connection,
      `SELECT path_in_schema, sum(stats_null_count), count(*) - count(stats_null_count)
        FROM parquet_metadata(${file}) GROUP BY ALL`,
    )
    const complete = new Set(
      counts.filter((row) => Number(row[1]) === 0 && row[2] === 0n).map((row) => row[0]),
    )
    return described.map(([label]) => complete.has(label))
  },
}

/** What the fields of CSV are read as. DuckDB rounds fractions where it expects whole numbers: those are read as texts. */
const CSV_TYPES: Readonly<Record<ColumnType, string>> = { ...DUCKDB_TYPES, integer: 'VARCHAR' }

function wholeNumber(column: string): string {
  return `CASE WHEN ${column} IS NULL OR regexp_full_match(${column}, '-?[0-9]{1,19}')
    THEN CAST(${column} AS BIGINT) ELSE error('no whole number') END`
}

/** JSON's types for each of ours, as DuckDB calls them. */
const JSON_TYPES: Readonly<Record<ColumnType, readonly string[]>> = {
  boolean: ['BOOLEAN'],
  integer: ['BIGINT', 'UBIGINT'],
  number: ['DOUBLE', 'BIGINT', 'UBIGINT'],
  text: ['VARCHAR'],
  date: ['VARCHAR'],
  timestamp: ['VARCHAR'],
}

/** Types of Parquet's columns for each of ours, as DuckDB calls them: those that lose nothing. */
const PARQUET_TYPES: Readonly<Record<ColumnType, readonly string[]>> = {
  boolean: ['BOOLEAN'],
  integer: ['TINYINT', 'SMALLINT', 'INTEGER', 'BIGINT', 'UTINYINT', 'USMALLINT', 'UINTEGER'],
  number: ['FLOAT', 'DOUBLE'],
  text: ['VARCHAR'],
  date: ['DATE'],
  timestamp: ['TIMESTAMP', 'TIMESTAMP_S', 'TIMESTAMP_MS'],
}

function readStart(fd: number): Uint8Array {
  const bytes = new Uint8Array(MAX_HEADER_BYTES)
  return bytes.subarray(0, readSync(fd, bytes, 0, bytes.length, 0))
}

function requireNames(
  table: string,
  found: readonly string[] | undefined,
  columns: TableMessage['columns'],
): void {
  const isSame =
    found?.length === columns.length && columns.every((column, at) => fold(column.name) === fold(found[at]!))
  if (!isSame) throw refusedName(table, 'the columns of the contract, in its order')
}

async function findNeverNull(
  connection: DuckDbConnection,
  name: string,
  columns: number,
): Promise<boolean[]> {
  const items = Array.from({ length: columns }, (_, at) => `count(*) = count(c${at})`)
  const [row] = await read(connection, `SELECT ${items.join(', ')} FROM ${name}`)
  return row!.map((value) => value === true)
}

async function read(connection: DuckDbConnection, sql: string): Promise<unknown[][]> {
  return (await connection.runAndReadAll(sql)).getRows()
}

function refusedName(table: string, expected: InputFault): Error {
  return refusedInput(Number(table.slice(1)), expected)
}
