import { type ChildProcess, spawn } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import type { Duplex } from 'node:stream'
import { isRoomSqlErrorCode, roomSqlError } from './errors.ts'
import { encodeMessage, FrameReader } from './frames.ts'
import type { Answer, Question } from './messages.ts'

/** First descriptor of the inputs in the process: 0-2 are `/dev/null`, 3 is the channel. */
export const FIRST_INPUT_DESCRIPTOR = 4

/** How the process of a query is started. */
export interface SqlProcessOptions {
  /** `worker.ts`, or what it was bundled into. */
  readonly entry: string
  /** The Node binary. Default `process.execPath`. */
  readonly execPath?: string
  /** Words before it, of a sandbox (`Sandbox.prefix` of `engines/host`), with its limit of memory. Default: none. */
  readonly prefix?: readonly string[]
  /** Words after it: what confines its modules to the image. */
  readonly flags?: readonly string[]
  /** A directory that is empty, and writable for nobody. */
  readonly emptyDirectory: string
  /** Read-only descriptors of RAM files. */
  readonly fds: readonly number[]
  /** Milliseconds from the start; then it is killed, whatever it does. */
  readonly timeoutMs: number
  readonly signal?: AbortSignal | undefined
}

/** The process of one query, and of nothing else after it. */
export class SqlProcess {
  private readonly child: ChildProcess
  private readonly socket: Duplex
  private readonly reader = new FrameReader()
  private readonly timer: NodeJS.Timeout
  private readonly stopListening: () => void
  private waiting: { resolve(answer: Answer): void; reject(reason: Error): void } | undefined
  private onPiece: ((bytes: Uint8Array) => void) | undefined
  private lost: Error | undefined
  /** Resolves when the process is gone. */
  readonly exited: Promise<void>

  constructor(options: SqlProcessOptions) {
    const {
      entry,
      execPath = process.execPath,
      prefix = [],
      flags = [],
      emptyDirectory,
      fds,
      timeoutMs,
    } = options
    // --disable-sigusr1: no signal may open an inspector in a process that holds plaintext.
    const words = [...prefix, execPath, '--disable-sigusr1', '--no-warnings', ...flags, entry]
    this.child = spawn(words[0]!, words.slice(1), {
      cwd: emptyDirectory,
      env: { HOME: emptyDirectory, LANG: 'C.UTF-8', TZ: 'UTC' },
      stdio: ['ignore', 'ignore', 'ignore', 'pipe', ...fds],
      // It leads a group, so that whatever is in it can be killed.
      detached: true,
    })
    this.exited = new Promise((resolve) => {
      this.child.once('exit', () => resolve())
      this.child.once('error', () => resolve())
    })
    this.socket = this.child.stdio[3] as Duplex
    this.socket.on('data', (chunk: Uint8Array) => this.receive(chunk))
    this.socket.on('error', () => this.kill(gone()))
    this.socket.on('close', () => this.kill(gone()))
    this.child.once('error', () => this.kill(gone()))
    this.timer = setTimeout(
      () =>
        this.kill(
          roomSqlError('ROOM_SQL_TIMEOUT', 'the query took too long', {
            expected: `at most ${timeoutMs} ms`,
          }),
        ),
      timeoutMs,
    )
    const { signal } = options
    const onAbort = (): void => this.kill(roomSqlError('ROOM_SQL_CANCELLED', 'the caller cancelled'))
    signal?.addEventListener('abort', onAbort, { once: true })
    this.stopListening = () => signal?.removeEventListener('abort', onAbort)
    if (signal?.aborted) onAbort()
    this.preferAsVictim()
  }

  /**
   * Asks one thing, and waits for the answer.
   * @param onPiece takes the pieces that come before it; what it throws ends the process
   * @throws the code that the process answered, or why it is gone
   */
  async ask<Said extends Answer['say']>(
    question: Question,
    said: Said,
    onPiece?: (bytes: Uint8Array) => void,
  ): Promise<Answer & { say: Said }> {
    if (this.lost) throw this.lost
    if (this.waiting) throw new TypeError('one question at a time')
    const answer = await new Promise<Answer>((resolve, reject) => {
      this.waiting = { resolve, reject }
      this.onPiece = onPiece
      this.socket.write(encodeMessage(question))
    })
    if (answer.say === 'failed') throw failureOf(answer)
    if (answer.say !== said) throw malformed()
    return answer as Answer & { say: Said }
  }

  /** Ends the process at once; a question in progress fails with `reason`. */
  kill(reason: Error): void {
    if (this.lost) return
    this.lost = reason
    clearTimeout(this.timer)
    this.stopListening()
    this.waiting?.reject(reason)
    this.socket.destroy()
    this.child.kill('SIGKILL')
    const { pid } = this.child
    if (pid === undefined) return
    try {
      process.kill(-pid, 'SIGKILL')
    } catch {
      // Nobody is left in its group.
    }
  }

  /** Ends the process, and waits until it is gone. */
  async close(): Promise<void> {
    this.kill(gone())
    await this.exited
  }

  private receive(chunk: Uint8Array): void {
    try {
      for (const frame of this.reader.push(chunk)) {
        if (this.lost) return
        if ('bytes' in frame) {
          if (this.onPiece === undefined) throw malformed()
          this.onPiece(frame.bytes)
        } else {
          const { waiting } = this
          if (waiting === undefined) throw malformed()
          // First, for what is malformed ends the question as well.
          const answer = decodeAnswer(frame.message)
          this.waiting = undefined
          this.onPiece = undefined
          waiting.resolve(answer)
        }
      }
    } catch (error) {
      this.kill(error instanceof Error ? error : malformed())
    }
  }

  /** When memory runs out, the kernel takes this one, not the process that holds the keys. */
  private preferAsVictim(): void {
    try {
      writeFileSync(`/proc/${this.child.pid}/oom_score_adj`, '900')
    } catch {
      // Not ours to set here; the order of victims is the kernel's then.
    }
  }
}

function decodeAnswer(message: unknown): Answer {
  if (typeof message !== 'object' || message === null) throw malformed()
  const { say, tree, neverNull, rows, code, message: words } = message as Record<string, unknown>
  if (say === 'opened') return { say }
  if (say === 'parsed' && typeof tree === 'string') return { say, tree }
  if (say === 'loaded' && Array.isArray(neverNull) && neverNull.every(Array.isArray))
    return { say, neverNull: neverNull.map((table: unknown[]) => table.map((one) => one === true)) }
  if (say === 'ran' && Number.isSafeInteger(rows)) return { say, rows: rows as number }
  if (say === 'failed' && isRoomSqlErrorCode(code) && typeof words === 'string')
    return { say, code, message: words }
  throw malformed()
}

/** The process may have been taken over by what it read: of its words only those that ours could be. */
function failureOf({ code, message }: Answer & { say: 'failed' }): Error {
  return roomSqlError(code, message.slice(0, 300).replaceAll(/[^\x20-\x7e]/g, '?'))
}

function malformed(): Error {
  return roomSqlError('ROOM_SQL_CRASHED', 'the process sent something malformed')
}

function gone(): Error {
  return roomSqlError('ROOM_SQL_CRASHED', 'the process of the query ended')
}
