import { isDeepStrictEqual } from 'node:util'
import type { DuckDbConnection } from './duckdb.ts'
import { roomSqlError } from './errors.ts'

/**
 * The SQL of a statement, once what DuckDB reads in it was compared with the statement: what runs is that text, so what runs
 * is the tree that was put together from what was checked, and nothing that only looks like it.
 *
 * Not `json_execute_serialized_sql`, which runs the tree as it is: it is one task of an outer query, and where a thread of
 * the pool takes that task, the thread that asked waits for it at full speed and takes no part.
 * @param statement a tree as `json_serialize_sql` writes it, of one SELECT
 * @throws `ROOM_SQL_FAILED` where the text reads as another tree; DuckDB's error where the tree is none
 */
export async function statementText(connection: DuckDbConnection, statement: string): Promise<string> {
  const text = await ask(connection, 'SELECT json_deserialize_sql($1::JSON)', statement)
  const read = treeOf(await ask(connection, 'SELECT json_serialize_sql($1::VARCHAR)', text))
  // Of several, all would run.
  if (read.statements?.length !== 1 || !isDeepStrictEqual(read, treeOf(statement))) throw otherTree()
  return text
}

async function ask(connection: DuckDbConnection, sql: string, value: string): Promise<string> {
  const read = await connection.runAndReadAll(sql, [value])
  return String(read.getRows()[0]?.[0])
}

/** A tree, without where in a text each part of it was found. */
function treeOf(json: string): { statements?: unknown[] } {
  return JSON.parse(json, (name: string, value: unknown) => {
    if (name === 'query_location') return undefined
    // Two numbers that JSON.parse rounds could be one here, and be two for DuckDB.
    if (typeof value === 'number' && !Number.isSafeInteger(value)) throw otherTree()
    return value
  }) as { statements?: unknown[] }
}

function otherTree(): Error {
  return roomSqlError('ROOM_SQL_FAILED', 'DuckDB could not run what was checked')
}
