import { readFileSync } from 'node:fs'
import inspector from 'node:inspector'
import { SottoError } from '@sotto/protocol/errors'
import { serveError } from '../errors/index.ts'
import { type ProcessFacts, refuseUnsafe } from './refuse-unsafe.ts'

/** What a role's main function is given. */
export interface RoleContext {
  /** The value of `--config`. */
  configPath: string
  env: Readonly<Record<string, string | undefined>>
  /**
   * Adds something to end on shutdown; the last added ends first.
   * @param takesMs how much longer than usual, which is `shutdownMs` for everything together, the shutdown may take
   */
  onShutdown(close: () => void | Promise<void>, takesMs?: number): void
  /** Tells the parent that this role serves, and where. */
  ready(urls: Readonly<Record<string, string>>): void
  /** Ends the role from inside, for example after an unrecoverable error. */
  stop(error?: unknown): void
}

/** A role and the process it runs in. */
export interface RoleOptions {
  /** For the ready message and the error line; `[a-z-]`. */
  name: string
  /** Full command line, `process.argv`: exactly `--config PATH` after the script. */
  argv: readonly string[]
  env: Readonly<Record<string, string | undefined>>
  /** Refuse swap: true on hardware, false under the software TEE. */
  refuseSwap: boolean
  /** Default: what the running process says of itself. */
  facts?: ProcessFacts
  /** Time the shutdown may take before the process ends anyway, where nothing needs longer. Default 15000. */
  shutdownMs?: number
  run(context: RoleContext): Promise<void>
}

/** {@link RoleOptions.shutdownMs} where nobody says it. */
const SHUTDOWN_MS = 15_000
/** The same when the parent is gone: what this role talks to has ended too, and nobody waits. */
const ORPHANED_MS = 2_000

/**
 * Runs one role as this process: refuses unsafe starts, reports readiness over IPC when there is a
 * parent, drains on SIGTERM or SIGINT, and ends when the parent is gone. An error ends the process
 * with status 1 and one line on standard error that holds its code and hint, never a stack or data.
 */
export async function startRole(options: RoleOptions): Promise<void> {
  const closers: (() => void | Promise<void>)[] = []
  let isEnding = false
  let { shutdownMs = SHUTDOWN_MS } = options

  function end(status: number, withinMs = shutdownMs): void {
    if (isEnding) return
    isEnding = true
    setTimeout(() => process.exit(status), withinMs).unref()
    void closeAll(closers).finally(() => process.exit(status))
  }
  function fail(error: unknown): void {
    process.exitCode = 1
    process.stderr.write(errorLine(options.name, error))
    end(1)
  }

  silenceConsole()
  // A listener takes the place of Node's own, which would open the inspector.
  process.on('SIGUSR1', () => undefined)
  process.on('SIGTERM', () => end(0))
  process.on('SIGINT', () => end(0))
  process.on('disconnect', () => end(0, ORPHANED_MS))
  process.on('uncaughtException', fail)
  process.on('unhandledRejection', fail)
  try {
    refuseUnsafe(options.facts ?? currentFacts(options.env), options)
    const configPath = parseArguments(options.argv)
    await options.run({
      configPath,
      env: options.env,
      onShutdown(close, takesMs = 0) {
        closers.unshift(close)
        shutdownMs += takesMs
      },
      ready: (urls) => void process.send?.({ type: 'ready', role: options.name, urls }),
      stop: (error) => (error === undefined ? end(0) : fail(error)),
    })
  } catch (error) {
    fail(error)
  }
}

/** What the running process says of itself. */
export function currentFacts(env: Readonly<Record<string, string | undefined>>): ProcessFacts {
  return {
    env,
    execArgv: process.execArgv,
    inspectorUrl: inspector.url(),
    limits: readFileSync('/proc/self/limits', 'utf8'),
    swaps: readFileSync('/proc/swaps', 'utf8'),
  }
}

function parseArguments(argv: readonly string[]): string {
  const [flag, path, ...rest] = argv.slice(2)
  if (flag !== '--config' || path === undefined || path === '' || rest.length > 0) {
    throw serveError('ROLE_USAGE', 'wrong arguments', { expected: '--config PATH' })
  }
  return path
}

async function closeAll(closers: readonly (() => void | Promise<void>)[]): Promise<void> {
  for (const close of closers) {
    try {
      await close()
    } catch {
      // The next one still has to close; there is nobody left to tell.
    }
  }
}

function errorLine(name: string, error: unknown): string {
  if (!(error instanceof SottoError)) return `error: ${name}: INTERNAL\n`
  const found = error.found === undefined ? '' : ` (found ${error.found})`
  const hint = error.hint === undefined ? '' : `hint: ${error.hint}\n`
  return `error: ${name}: ${error.code}: ${error.message}${found}\n${hint}`
}

/** Libraries write to the console what they were working on; in a measured role nobody may. */
function silenceConsole(): void {
  for (const name of ['debug', 'dir', 'error', 'info', 'log', 'table', 'trace', 'warn'] as const) {
    globalThis.console[name] = () => undefined
  }
}
