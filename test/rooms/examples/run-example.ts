import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { findLayout } from '../../../packages/cli/src/stack/layout.ts'
import { hasQueries } from '../../../packages/cli/src/stack/rooms.ts'

const EXAMPLES = join(import.meta.dirname, '../../../examples/rooms')
/** Some thirty commands and a stack, on a machine that does other things too. */
export const EXAMPLE_MS = 400_000

/** Why examples with queries cannot run here; undefined: they can. */
export const NO_QUERIES: string | undefined = hasQueries(findLayout(import.meta.url))
  ? undefined
  : 'the clean room of this build has no DuckDB: npm run rooms'
if (NO_QUERIES !== undefined) process.stderr.write(`skipped: ${NO_QUERIES}\n`)

/** How an example ended. */
export interface PlayedExample {
  code: number | null
  transcript: string
  stderr: string
  /** What it left in the folder for temporary files. */
  left: string[]
}

/** Plays one as somebody would who has the checkout: a process of its own, with temporary files of its own. */
export async function runExample(name: string, args: readonly string[] = []): Promise<PlayedExample> {
  const file = join(EXAMPLES, name, 'run.mjs')
  if (!existsSync(file)) throw new Error(`there is no example ${name}`)
  const folder = mkdtempSync(join(tmpdir(), 'sotto-test-'))
  const child = spawn(process.execPath, [file, ...args], {
    // The folder that was built is found from the file, not from where somebody stands.
    cwd: folder,
    env: { ...process.env, TMPDIR: folder },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: EXAMPLE_MS,
  })
  const said = { stdout: '', stderr: '' }
  child.stdout.on('data', (chunk: Buffer) => (said.stdout += chunk.toString()))
  child.stderr.on('data', (chunk: Buffer) => (said.stderr += chunk.toString()))
  try {
    const [code] = (await once(child, 'close')) as [number | null]
    return { code, transcript: said.stdout, stderr: said.stderr, left: readdirSync(folder) }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Lines of checks that held. */
export function heldIn({ transcript }: PlayedExample): string[] {
  return transcript.split('\n').flatMap((line) => /^ {2}✓ (.*)$/.exec(line)?.[1] ?? [])
}
