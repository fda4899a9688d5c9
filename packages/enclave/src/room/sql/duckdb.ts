import { createRequire } from 'node:module'
import { join } from 'node:path'
import { roomSqlError } from './errors.ts'

/** What is used of `@duckdb/node-api`, which is an optional part and no dependency of this package. */
export interface DuckDbConnection {
  run(sql: string, values?: readonly unknown[]): Promise<unknown>
  runAndReadAll(sql: string, values?: readonly unknown[]): Promise<{ getRows(): unknown[][] }>
  stream(
    sql: string,
    values?: readonly unknown[],
  ): Promise<{ yieldRows(): AsyncIterableIterator<unknown[][]> }>
}

interface DuckDbModule {
  DuckDBInstance: {
    create(path: string, options: Record<string, string>): Promise<{ connect(): Promise<DuckDbConnection> }>
  }
}

/**
 * Steps of DuckDB's optimizer that compute a part of an expression outside of the TRY around it: what was to be NULL for a row
 * then fails, and whether a query fails would say something of a single row.
 */
const MOVE_OUT_OF_TRY = ['common_subexpressions', 'in_clause']

/**
 * Opens an empty database in memory that can open files at `paths` and nowhere else, load no extension, write nothing and
 * be told nothing else later, and in which nothing fails under TRY. The order matters: paths cannot be set after access is
 * off, and nothing after the lock.
 * @param part folder of the part, which has `node_modules`
 * @throws `ROOM_SQL_PART`
 */
export async function openDuckDb(
  part: string,
  options: { paths: readonly string[]; threads: number; memoryBytes: number },
): Promise<DuckDbConnection> {
  const { paths, threads, memoryBytes } = options
  const connection = await connect(part, {
    threads: `${threads}`,
    memory_limit: `${memoryBytes}B`,
  })
  const settings = [
    `temp_directory = ''`,
    `max_temp_directory_size = '0B'`,
    `allowed_paths = [${paths.map((path) => `'${path}'`).join(', ')}]`,
    `enable_external_access = false`,
    `autoinstall_known_extensions = false`,
    `autoload_known_extensions = false`,
    `allow_community_extensions = false`,
    `disabled_optimizers = '${MOVE_OUT_OF_TRY.join(',')}'`,
    `lock_configuration = true`,
  ]
  for (const setting of settings) await connection.run(`SET ${setting}`)
  return connection
}

async function connect(part: string, options: Record<string, string>): Promise<DuckDbConnection> {
  let loaded: DuckDbModule
  try {
    loaded = createRequire(join(part, 'package.json'))('@duckdb/node-api') as DuckDbModule
  } catch (cause) {
    throw roomSqlError('ROOM_SQL_PART', 'DuckDB is not installed here', {
      cause,
      hint: 'run node scripts/parts.ts rooms',
    })
  }
  const instance = await loaded.DuckDBInstance.create(':memory:', options)
  return instance.connect()
}
