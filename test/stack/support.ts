import { existsSync, readFileSync } from 'node:fs'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect, type ConnectOptions, type Sotto } from '@sotto/client'
import type { SottoError } from '@sotto/protocol/errors'
import { findLayout, type Layout } from '../../packages/cli/src/stack/layout.ts'
import { hasQueries } from '../../packages/cli/src/stack/rooms.ts'
import { startStack } from '../../packages/cli/src/stack/start.ts'
import type { Stack, StackOptions } from '../../packages/cli/src/stack/types.ts'

/** A stack of built images in a folder of its own, for one test file. */
export interface TestStack extends Stack {
  folder: string
  layout: Layout
  close(): Promise<void>
}

/** Starts it. `npm test` has built the images before. */
export async function startTestStack(options: Partial<StackOptions> = {}): Promise<TestStack> {
  const layout = options.layout ?? findLayout(import.meta.url)
  const folder = options.stateFolder ?? (await mkdtemp(join(tmpdir(), 'sotto-test-')))
  const stack = await startStack({ ...options, layout, stateFolder: folder }).catch((cause: SottoError) => {
    // What the role said last: without it, a start that failed once in a hundred says nothing.
    throw new Error(`${cause.message}: ${cause.found}`, { cause })
  })
  return {
    ...stack,
    folder,
    layout,
    async close() {
      await stack.stop()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

/** Folder of shared test data, or undefined with a printed reason; missing it is a failure in CI. */
export function testdata(name: string): string | undefined {
  const folder = join(
    process.env['SOTTO_TESTDATA'] ?? join(import.meta.dirname, '../../../shared/testdata'),
    name,
  )
  if (existsSync(folder)) return folder
  if (process.env['CI']) throw new Error(`test data is missing: ${folder}`)
  process.stderr.write(`skipped: SOTTO_TESTDATA has no ${name}\n`)
  return undefined
}

/**
 * Whether the clean room that was built runs queries; where not, the reason is printed. `SOTTO_QUERIES` says that it has to:
 * DuckDB is installed in a later step of CI.
 */
export function canQuery(): boolean {
  if (hasQueries(findLayout(import.meta.url))) return true
  const reason = 'the clean room of this build has no DuckDB: npm run rooms'
  if (process.env['SOTTO_QUERIES'] === '1') throw new Error(reason)
  process.stderr.write(`skipped: ${reason}\n`)
  return false
}

/** A verified client of a stack. */
export function clientOf(
  stack: Pick<TestStack, 'relayUrl' | 'policy' | 'gateway'>,
  options: Partial<ConnectOptions> = {},
): Promise<Sotto> {
  return connect(stack.relayUrl, { policy: stack.policy, gateway: stack.gateway, ...options })
}

/** A default model's bundled recording: English speech the model was not trained on. */
export function demoRecording(layout: Layout): Promise<Buffer<ArrayBuffer>> {
  return readFile(join(layout.models, 'demo', 'session-note.wav')) as Promise<Buffer<ArrayBuffer>>
}

/** A chat request as JSON, sent through the encryption. */
export function chat(sotto: Sotto, content: string, more: object = {}): Promise<Response> {
  return sotto.fetch(`${sotto.baseURL}/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ messages: [{ role: 'user', content }], temperature: 0, max_tokens: 24, ...more }),
  })
}

/** A short request that any healthy stack answers. */
export function embed(sotto: Sotto, input: string): Promise<Response> {
  return sotto.fetch(`${sotto.baseURL}/embeddings`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'sotto-hash-embed', input }),
  })
}

/** Address of one role of a running stack. */
export function urlOf(
  stack: Pick<TestStack, 'folder'>,
  role: 'log' | 'kms' | 'inference' | 'relay' | 'rooms' | 'room',
): string {
  const { listen } = JSON.parse(readFileSync(join(stack.folder, 'config', `${role}.json`), 'utf8')) as {
    listen: { port: number }
  }
  return `http://127.0.0.1:${listen.port}`
}

/** Children of a process, from the kernel's tables. */
export function childrenOf(pid: number): number[] {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean).map(Number)
}

/** Whether a process runs. One that has ended and that nobody has collected yet does not. */
export function isRunning(pid: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
    return !/^[ZX]/.test(stat.slice(stat.lastIndexOf(')') + 2))
  } catch {
    return false
  }
}
