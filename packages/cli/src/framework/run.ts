import { CommanderError } from 'commander'
import { createStyle, printable, printableJson, wantsColor } from '../terminal/index.ts'
import { adviceOn } from './advice.ts'
import { createContext, type Cleanups } from './create-context.ts'
import type { Adviser, GlobalFlags, Io } from './context.ts'
import { EXIT, exitCodeOf } from './exit-codes.ts'
import { describeFailure, formatFailure, fromCommander } from './failure.ts'
import { createProgram, type Invocation } from './program.ts'
import type { Command } from './spec.ts'

/** What the entry point passes besides the world. */
export interface RunOptions {
  commands: readonly Command[]
  version: string
}

/**
 * Runs one command line (without `node` and script) and returns its exit code. Never exits the
 * process and never throws: every failure is printed as `error:` and `hint:` on standard error.
 */
export async function runCli(argv: readonly string[], io: Io, options: RunOptions): Promise<number> {
  const cleanups: Cleanups = []
  const advisers: Adviser[] = []
  let invocation: Invocation | undefined
  try {
    const program = createProgram(
      options.commands,
      argv.includes('--json') ? JSON.stringify({ version: options.version }) : options.version,
      (text) => void io.stdout.write(text),
      (found) => {
        invocation = found
      },
    )
    program.parse(argv.length === 0 ? ['--help'] : [...argv], { from: 'user' })
    if (invocation === undefined) return EXIT.ok
    const { command, args, flags, global } = invocation
    const context = createContext(io, global, cleanups, advisers)
    const code = await orInterrupted(command.run(context, args, flags as never), io.signal)
    return code ?? EXIT.ok
  } catch (error) {
    return await fail(error, argv, io, invocation?.global, advisers)
  } finally {
    for (const cleanup of cleanups) await settle(cleanup)
  }
}

async function fail(
  error: unknown,
  argv: readonly string[],
  io: Io,
  global: GlobalFlags | undefined,
  advisers: readonly Adviser[],
): Promise<number> {
  if (error instanceof CommanderError) {
    // Help and version arrive as errors with exit code 0.
    if (error.exitCode === 0) return EXIT.ok
    return report(fromCommander(error), argv, io, global)
  }
  // Whatever fails once the run was interrupted fails because of that.
  if (io.signal.aborted) return report(abortError(), argv, io, global)
  return report(error, argv, io, global, await adviceOn(error, advisers))
}

function report(
  error: unknown,
  argv: readonly string[],
  io: Io,
  global: GlobalFlags | undefined,
  advice?: string,
): number {
  const failure = describeFailure(error, advice)
  const style = createStyle(
    wantsColor(global?.color ?? !argv.includes('--no-color'), io.env, io.stderr.isTerminal),
  )
  const code = io.signal.aborted ? EXIT.interrupted : exitCodeOf(error)
  // A command line that does not parse has no flags yet, but a script must be able to read its error.
  if (global?.json ?? argv.includes('--json')) void io.stderr.write(`${printableJson({ error: failure })}\n`)
  else void io.stderr.write(formatFailure(failure, style))
  // A stack begins with the message, which may be a service's own.
  if (global?.verbose && error instanceof Error)
    void io.stderr.write(style.dim(`${printable(error.stack ?? '')}\n`))
  return code
}

/** How long a command may take to cancel and clean up after SIGINT before the run ends without it. */
const GRACE_MS = 3000

async function orInterrupted<T>(running: Promise<T>, signal: AbortSignal): Promise<T> {
  // Should the grace run out, nobody looks at this promise any more.
  running.catch(() => {})
  let timer: NodeJS.Timeout | undefined
  const gaveUp = new Promise<never>((_, reject) => {
    const wait = (): void => void (timer = setTimeout(() => reject(abortError()), GRACE_MS))
    if (signal.aborted) wait()
    else signal.addEventListener('abort', wait, { once: true })
  })
  try {
    return await Promise.race([running, gaveUp])
  } finally {
    clearTimeout(timer)
  }
}

async function settle(cleanup: () => void | Promise<void>): Promise<void> {
  try {
    await cleanup()
  } catch {
    // A failed cleanup must not hide how the command itself ended, nor stop the other cleanups.
  }
}

function abortError(): Error {
  return new DOMException('interrupted', 'AbortError')
}
