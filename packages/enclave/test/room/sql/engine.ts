import { closeSync, constants, existsSync, fchmodSync, openSync, writeSync } from 'node:fs'
import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { SqlParameter } from '@sotto/protocol/contract'
import { openUnnamed } from '../../../src/ram/unnamed-file.ts'
import {
  decodeRows,
  runTemplate,
  type SqlEngine,
  type SqlLimits,
  type SqlPolicy,
  type SqlTable,
} from '../../../src/room/sql/index.ts'
import type { TableFormat } from '../../../src/room/sql/index.ts'
import { makeEmptyDirectory } from '../../../src/sandbox/index.ts'

const PART = resolve(import.meta.dirname, '../../../../../parts/rooms')

/** Why queries cannot run here; undefined: they can. */
export const NO_DUCKDB: string | undefined = existsSync(resolve(PART, 'node_modules/@duckdb/node-api'))
  ? undefined
  : 'DuckDB is not installed: node scripts/parts.ts rooms'
if (NO_DUCKDB !== undefined) process.stderr.write(`skipped: ${NO_DUCKDB}\n`)

let empty: string | undefined

/** Queries from source, in a process without a sandbox: each test adds what it looks at. */
export function openEngine(over: Partial<SqlEngine> = {}): SqlEngine {
  empty ??= makeEmptyDirectory()
  return {
    entry: fileURLToPath(new URL('../../../src/room/sql/worker.ts', import.meta.url)),
    emptyDirectory: empty,
    part: PART,
    ...over,
  }
}

/** Bytes in a RAM file, as a room has an input once it is opened. */
export function ramFile(bytes: string | Uint8Array): number {
  const writable = openUnnamed('/dev/shm')
  const content = typeof bytes === 'string' ? Buffer.from(bytes) : bytes
  for (let at = 0; at < content.length;) at += writeSync(writable, content, at)
  fchmodSync(writable, 0o444)
  const fd = openSync(`/proc/self/fd/${writable}`, constants.O_RDONLY)
  closeSync(writable)
  return fd
}

export const LIMITS: SqlLimits = {
  timeoutMs: 30_000,
  memoryBytes: 512 * 1024 * 1024,
  threads: 2,
  maxRows: 10_000,
  maxBytes: 1_048_576,
}

/** A table of a test: how the contract has it, and what its owner brought. */
export interface TestTable extends SqlTable {
  readonly data: string | Uint8Array
  readonly format?: TableFormat
}

/** One run of one query over such tables. */
export interface TestRun extends Partial<Omit<SqlPolicy, 'tables'>> {
  readonly tables: readonly TestTable[]
  readonly sql: string
  readonly parameters?: readonly SqlParameter[]
  readonly arguments?: Record<string, string>
  readonly limits?: Partial<SqlLimits>
  readonly engine?: SqlEngine
  readonly signal?: AbortSignal
}

/** Runs it, and answers its rows. */
export async function query(run: TestRun): Promise<(string | number | bigint | boolean | null)[][]> {
  const { tables, forbidden = [], joinKeys = [], minContributors = 1, noise } = run
  const inputs = tables.map(({ data, format = 'csv' }) => ({
    fd: ramFile(data),
    whole: Promise.resolve({ format }),
  }))
  try {
    const result = await runTemplate(run.engine ?? openEngine(), {
      template: { name: 'q', sql: run.sql, parameters: [...(run.parameters ?? [])] },
      arguments: Object.entries(run.arguments ?? {}).map(([name, value]) => ({ name, value })),
      policy: { tables, forbidden, joinKeys, minContributors, ...(noise && { noise }) },
      inputs,
      limits: { ...LIMITS, ...run.limits },
      ...(run.signal && { signal: run.signal }),
    })
    const lines = Buffer.from(result.bytes)
    const types = result.columns.map(({ type }) => type)
    return [...decodeRows(lines.subarray(lines.indexOf('\n') + 1), types)]
  } finally {
    for (const { fd } of inputs) closeSync(fd)
  }
}
