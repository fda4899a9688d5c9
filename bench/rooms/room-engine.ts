import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { build } from 'esbuild'
import { EngineHost } from '../../packages/enclave/src/engines/index.ts'
import type { StepTools } from '../../packages/enclave/src/room/index.ts'
import { PART } from './plain-run.ts'

const ROOT = resolve(import.meta.dirname, '../..')

/** What one query may take here: as much as a room gives it that is configured with nothing else. */
export interface QueryBounds {
  readonly threads: number
  readonly memoryBytes: number
}

/** What rooms compute with: the process of queries as it is in an image, in a sandbox where this machine has one. */
export interface RoomTools {
  tools: StepTools & { sql: NonNullable<StepTools['sql']> }
  close(): Promise<void>
}

/** Bundles the process of queries, as images have it: from sources it starts slower. */
export async function openRoomTools({ threads, memoryBytes }: QueryBounds): Promise<RoomTools> {
  const folder = mkdtempSync(join(tmpdir(), 'sotto-bench-rooms-'))
  // The process has a user of its own.
  chmodSync(folder, 0o755)
  const entry = join(folder, 'sql.mjs')
  await build({
    entryPoints: [join(ROOT, 'packages/enclave/src/room/sql/worker.ts')],
    outfile: entry,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node24',
    logLevel: 'warning',
  })
  const host = await EngineHost.open({
    entry: join(ROOT, 'packages/enclave/src/engines/worker/main.ts'),
    require: 'best-effort',
  })
  return {
    tools: { host, sql: { entry, part: PART, memoryBytes, threads, timeoutMs: 600_000 } },
    async close() {
      await host.close()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
