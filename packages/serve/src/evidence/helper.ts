import { spawn } from 'node:child_process'
import { collectError } from './errors.ts'

/** A program of a vendor that collects what plain files do not give. */
export interface Helper {
  /** Path, or a name that is looked up in the system's own folders. Never a shell. */
  command: string
  args: readonly string[]
  /** Milliseconds. Default 30000. */
  timeoutMs?: number
  /** Of standard output. Default 4 MiB. */
  maxBytes?: number
}

/**
 * The whole environment of a helper, no token of ours in it. Whoever starts this process chooses its `PATH`, and must
 * not choose so what answers for the hardware.
 */
const ENVIRONMENT = { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', LANG: 'C' }
const DEFAULT_TIMEOUT_MS = 30_000
const DEFAULT_MAX_BYTES = 4_194_304
/** Last words on standard error that are kept for a message. */
const KEPT_ERROR_BYTES = 2048
const SHOWN_CHARACTERS = 300

/**
 * Runs a helper without a shell and without input, and gives its standard output. A helper that talks
 * without end, hangs or fails is killed with everything it started.
 *
 * @throws `COLLECT_UNAVAILABLE` when there is no such program, `COLLECT_TIMEOUT`, `COLLECT_FAILED`,
 * `COLLECT_MALFORMED` for too much output
 */
export function runHelper(helper: Helper): Promise<Uint8Array> {
  const { command, args, timeoutMs = DEFAULT_TIMEOUT_MS, maxBytes = DEFAULT_MAX_BYTES } = helper
  return new Promise((resolve, reject) => {
    // A group of its own, so that what it started ends with it.
    const child = spawn(command, args, {
      shell: false,
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: ENVIRONMENT,
    })
    const output: Buffer[] = []
    let length = 0
    let lastWords = Buffer.alloc(0)
    let failure: Error | undefined
    const stop = (error: Error): void => {
      failure ??= error
      killGroup(child.pid)
      // A grandchild in a group of its own could keep the pipes open for ever.
      child.stdout.destroy()
      child.stderr.destroy()
    }
    const timer = setTimeout(
      () =>
        stop(
          collectError('COLLECT_TIMEOUT', `${command}: no answer`, { expected: `within ${timeoutMs} ms` }),
        ),
      timeoutMs,
    )
    child.stdout.on('data', (chunk: Buffer) => {
      length += chunk.length
      if (length <= maxBytes) output.push(chunk)
      else
        stop(
          collectError('COLLECT_MALFORMED', `${command}: too much output`, {
            expected: `at most ${maxBytes} bytes`,
            found: 'more',
          }),
        )
    })
    child.stderr.on('data', (chunk: Buffer) => {
      lastWords = Buffer.concat([lastWords, chunk]).subarray(-KEPT_ERROR_BYTES)
    })
    child.once('error', (cause) => {
      clearTimeout(timer)
      reject(notStarted(command, cause))
    })
    child.once('close', (status, signal) => {
      clearTimeout(timer)
      // What it left running must not outlive it.
      killGroup(child.pid)
      if (failure !== undefined) reject(failure)
      else if (status === 0) resolve(new Uint8Array(Buffer.concat(output)))
      else
        reject(
          collectError(
            'COLLECT_FAILED',
            `${command}: ${printable(lastWords) || 'it failed without a word'}`,
            {
              expected: 'exit status 0',
              found: signal ?? `${status}`,
            },
          ),
        )
    })
  })
}

function notStarted(command: string, cause: Error): Error {
  const errno = (cause as NodeJS.ErrnoException).code
  if (errno === 'ENOENT')
    return collectError('COLLECT_UNAVAILABLE', `${command}: there is no such program`, {
      cause,
      hint: `install ${command}, or name its path`,
    })
  return collectError(
    errno === 'EACCES' ? 'COLLECT_DENIED' : 'COLLECT_FAILED',
    `${command}: cannot be started`,
    {
      cause,
      ...(errno !== undefined && { found: errno }),
    },
  )
}

function killGroup(pid: number | undefined): void {
  if (pid === undefined) return
  try {
    process.kill(-pid, 'SIGKILL')
  } catch {
    // The group is gone: what was to be.
  }
}

/** The end of what a helper said, as one line without anything that moves a cursor. */
export function printable(bytes: Uint8Array): string {
  const text = Buffer.from(bytes)
    .toString('latin1')
    .replaceAll(/[^\x20-\x7e]+/g, ' ')
  return text.trim().slice(-SHOWN_CHARACTERS)
}
