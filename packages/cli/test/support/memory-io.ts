import { Readable } from 'node:stream'
import { type Command, type Io, runCli } from '../../src/framework/index.ts'

/** Parts of the outside world a test wants different. */
export interface WorldOptions {
  env?: Record<string, string>
  cwd?: string
  /** Standard input in chunks; absent: empty. */
  stdin?: Iterable<string | Uint8Array>
  /** Instead of `stdin`, where a test types while the command runs. */
  stdinStream?: Readable
  stdinTerminal?: boolean
  stdoutTerminal?: boolean
  stderrTerminal?: boolean
  fetch?: typeof globalThis.fetch
  signal?: AbortSignal
  nowMs?: () => number
}

/** How a run ended. */
export interface RunResult {
  code: number
  stdout: string
  stderr: string
}

/** An {@link Io} that collects what is written. Without network unless `fetch` is given. */
export function memoryIo(options: WorldOptions = {}): { io: Io; stdout(): string; stderr(): string } {
  let stdout = ''
  let stderr = ''
  const text = (data: string | Uint8Array): string =>
    typeof data === 'string' ? data : Buffer.from(data).toString()
  const cwd = options.cwd ?? '/nonexistent'
  return {
    io: {
      env: { HOME: cwd, ...options.env },
      cwd,
      stdin: {
        isTerminal: options.stdinTerminal ?? false,
        stream:
          options.stdinStream ?? Readable.from([...(options.stdin ?? [])].map((chunk) => Buffer.from(chunk))),
      },
      stdout: {
        isTerminal: options.stdoutTerminal ?? false,
        columns: 80,
        write: (data) => void (stdout += text(data)),
      },
      stderr: {
        isTerminal: options.stderrTerminal ?? false,
        columns: 80,
        write: (data) => void (stderr += text(data)),
      },
      fetch: options.fetch ?? (() => Promise.reject(new TypeError('no network in this test'))),
      now: options.nowMs ?? (() => 0),
      signal: options.signal ?? new AbortController().signal,
    },
    stdout: () => stdout,
    stderr: () => stderr,
  }
}

/** Runs a command line in memory. */
export async function runInMemory(
  commands: readonly Command[],
  argv: readonly string[],
  options: WorldOptions = {},
): Promise<RunResult> {
  const world = memoryIo(options)
  const code = await runCli(argv, world.io, { commands, version: '1.2.3' })
  return { code, stdout: world.stdout(), stderr: world.stderr() }
}
