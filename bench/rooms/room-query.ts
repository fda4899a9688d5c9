import { openInput } from '../../packages/enclave/src/room/inputs/open-input.ts'
import { type RunInputSource, RunInputs } from '../../packages/enclave/src/room/inputs/run-inputs.ts'
import { runTemplate, type SqlPolicy } from '../../packages/enclave/src/room/sql/index.ts'
import { withSqlEngine } from '../../packages/enclave/src/room/steps/sql-step.ts'
import type { RoomTools } from './room-engine.ts'
import type { FolderBoard } from './sealed-table.ts'
import { msOf, type TakeStages } from './stages.ts'

/** A query of a room, with all that its run has once the KMS gave it keys. */
export interface RoomQuery {
  readonly sql: string
  readonly policy: SqlPolicy
  /** In the order of the policy's tables. */
  readonly sources: readonly RunInputSource[]
}

/** Milliseconds of one run of a query, from its keys to its result. */
export interface RoomTimes {
  wallMs: number
  /** Ranges fetched, decrypted, hashed twice, and written into memory files. */
  openMs: number
  /** A process of its own, with DuckDB in it. */
  startMs: number
  /** Tables looked at and made. */
  loadMs: number
  /** The statements that were made of the template. */
  queryMs: number
  rows: number
}

const ACCESS = { board: '00'.repeat(32), token: 'A'.repeat(43) }

/** Runs a query over sealed inputs, as a step of a run does. */
export async function runInRoom(
  { sql, policy, sources }: RoomQuery,
  { tools }: RoomTools,
  board: FolderBoard,
  stages: TakeStages,
): Promise<RoomTimes> {
  stages()
  const started = performance.now()
  const inputs = new RunInputs({
    // Overwritten at the end of a run.
    sources: sources.map((source) => ({ ...source, contentKey: source.contentKey.slice() })),
    board,
    access: ACCESS,
    signal: new AbortController().signal,
  })
  try {
    return await withSqlEngine(tools, async (engine, limits) => {
      const files = []
      for (const { input } of sources) files.push(await inputs.file(input.name))
      const opened = performance.now()
      const { rows } = await runTemplate(engine, {
        template: { name: 'measured', sql, parameters: [] },
        arguments: [],
        policy,
        inputs: files.map(({ file }) => ({ format: 'parquet' as const, fd: file.fd })),
        limits: { ...limits, maxRows: 10_000, maxBytes: 2 ** 20 },
      })
      const wallMs = performance.now() - started
      const answered = stages()
      return {
        wallMs,
        openMs: opened - started,
        startMs: msOf(answered, 'open') + msOf(answered, 'parse'),
        loadMs: msOf(answered, 'load'),
        queryMs: msOf(answered, 'run'),
        rows,
      }
    })
  } finally {
    inputs.close()
  }
}

/** Milliseconds of fetching, decrypting and hashing an input that nobody keeps. */
export async function drainInput(source: RunInputSource, board: FolderBoard): Promise<number> {
  const started = performance.now()
  const opened = await openInput({
    ...source,
    contentKey: source.contentKey.slice(),
    board,
    access: ACCESS,
    signal: new AbortController().signal,
  })
  try {
    for await (const piece of opened.content) void piece
  } finally {
    opened.close()
  }
  return performance.now() - started
}
