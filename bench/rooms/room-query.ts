import type { EngineHost } from '../../packages/enclave/src/engines/index.ts'
import { openInput } from '../../packages/enclave/src/room/inputs/open-input.ts'
import { type RunInputSource, RunInputs } from '../../packages/enclave/src/room/inputs/run-inputs.ts'
import { runTemplate, type SqlPolicy } from '../../packages/enclave/src/room/sql/index.ts'
import { withSqlEngine } from '../../packages/enclave/src/room/steps/sql-step.ts'
import type { RoomTools } from './room-engine.ts'
import type { NearBoard } from './sealed-table.ts'
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
  /** Ranges fetched, decrypted, hashed, and written into memory files, while the process starts. */
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
  board: NearBoard,
  stages: TakeStages,
): Promise<RoomTimes> {
  stages()
  const { host, gone } = whenGone(tools.host)
  const started = performance.now()
  const inputs = new RunInputs({
    // Overwritten at the end of a run.
    sources: sources.map((source) => ({ ...source, contentKey: source.contentKey.slice() })),
    board,
    access: ACCESS,
    signal: new AbortController().signal,
  })
  try {
    return await withSqlEngine({ ...tools, host }, async (engine, limits) => {
      const coming = sources.map(({ input }) => inputs.begin(input.name))
      let opened = 0
      const allOpened = Promise.all(coming.map(({ whole }) => whole)).then(() => (opened = performance.now()))
      const { rows } = await runTemplate(engine, {
        template: { name: 'measured', sql, parameters: [] },
        arguments: [],
        policy,
        inputs: coming.map(({ fd }) => ({
          fd,
          whole: allOpened.then(() => ({ format: 'parquet' as const })),
        })),
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
    // What its process still does is its processor time, and nobody's time who waits for the result.
    await gone
  }
}

/** The host, and when the one place that is asked of it is given back. */
function whenGone(host: EngineHost): { host: EngineHost; gone: Promise<void> } {
  const { promise: gone, resolve } = Promise.withResolvers<void>()
  const lent = Object.create(host) as EngineHost
  lent.place = async (memoryBytes) => {
    const place = await host.place(memoryBytes)
    return { ...place, giveBack: () => (place.giveBack(), resolve()) }
  }
  return { host: lent, gone }
}

/** Milliseconds of fetching, decrypting and hashing an input that nobody keeps. */
export async function drainInput(source: RunInputSource, board: NearBoard): Promise<number> {
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
