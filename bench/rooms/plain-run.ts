import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join, resolve } from 'node:path'
import { createInterface } from 'node:readline'

/** Folder of the part that has DuckDB: the peer and the room load the same library. */
export const PART: string = resolve(import.meta.dirname, '../../parts/rooms')

/** One query over files in clear. */
export interface PlainRun {
  readonly threads: number
  readonly memoryBytes: number
  /** Parquet files, by the names of tables. */
  readonly tables: Readonly<Record<string, string>>
  readonly sql: string
}

export interface PlainAnswer {
  /** Milliseconds of the query alone, in a process that has DuckDB open. */
  queryMs: number
  rows: number
}

/** Runs a query in a process of its own. @returns also milliseconds from its start to its answer */
export async function runPlain(run: PlainRun): Promise<PlainAnswer & { wallMs: number }> {
  const program = join(import.meta.dirname, 'plain-duckdb.mjs')
  const started = performance.now()
  const child = spawn(process.execPath, [program, JSON.stringify({ ...run, part: PART })], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const closed = once(child, 'close')
  let line: string | undefined
  for await (const text of createInterface(child.stdout)) {
    line = text
    break
  }
  const wallMs = performance.now() - started
  // As a room's process ends: nobody waits until it has given its memory back.
  child.kill('SIGKILL')
  await closed
  if (line === undefined) throw new Error('DuckDB in clear did not answer')
  return { ...(JSON.parse(line) as PlainAnswer), wallMs }
}
