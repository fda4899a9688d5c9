import type { Sink } from '../terminal/index.ts'
import type { Io } from './context.ts'

/** The real process as a command sees it, and how it was interrupted. */
export interface ProcessIo {
  io: Io
  /** The signal that aborted the run, if any. */
  interruptedBy(): NodeJS.Signals | undefined
  /** Resolves when everything written has left the process. */
  flush(): Promise<void>
}

/** Time within which a second signal is an echo of the first. */
const SAME_SIGNAL_MS = 1000

/**
 * Connects a command to this process. The first SIGINT or SIGTERM aborts `io.signal`, so that commands
 * cancel and clean up; the next one ends the process at once. A terminal's Ctrl-C reaches this process
 * directly and again through whoever started it: what follows within a second is the same one.
 */
export function createProcessIo(): ProcessIo {
  const interrupt = new AbortController()
  let by: NodeJS.Signals | undefined
  let at = 0
  const onSignal = (signal: NodeJS.Signals): void => {
    if (by !== undefined) {
      if (performance.now() - at > SAME_SIGNAL_MS) process.exit(130)
      return
    }
    at = performance.now()
    by = signal
    interrupt.abort(new DOMException('interrupted', 'AbortError'))
  }
  process.on('SIGINT', onSignal)
  process.on('SIGTERM', onSignal)
  // A reader that has seen enough (`| head`) is not an error.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1))
  process.stderr.on('error', () => {})
  return {
    io: {
      env: process.env,
      cwd: process.cwd(),
      stdin: { isTerminal: process.stdin.isTTY === true, stream: process.stdin },
      stdout: sinkOf(process.stdout),
      stderr: sinkOf(process.stderr),
      fetch: globalThis.fetch,
      now: Date.now,
      signal: interrupt.signal,
    },
    interruptedBy: () => by,
    flush: async () => {
      await Promise.all([flushed(process.stdout), flushed(process.stderr)])
    },
  }
}

function sinkOf(stream: NodeJS.WriteStream): Sink {
  let drained: Promise<void> | undefined
  return {
    isTerminal: stream.isTTY === true,
    get columns() {
      // A terminal that does not know its width says 0.
      return stream.columns || 80
    },
    write(data) {
      if (stream.write(data)) return undefined
      // One listener however many lines wait for a slow reader.
      return (drained ??= new Promise((resolve) =>
        stream.once('drain', () => {
          drained = undefined
          resolve()
        }),
      ))
    },
  }
}

function flushed(stream: NodeJS.WriteStream): Promise<void> {
  return new Promise((resolve) => stream.write('', () => resolve()))
}
