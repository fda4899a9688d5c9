import { type ChildProcess, spawn } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import type { Duplex } from 'node:stream'
import { OOM_SCORE } from '../../sandbox/kind.ts'
import { encodeMessage, encodePiece, FrameReader } from './frames.ts'

/** First descriptor of the inputs in the process: 0-2 are `/dev/null`, 3 is the channel. */
export const FIRST_INPUT_DESCRIPTOR = 4

/** How a process of a room is started. */
export interface RoomProcessOptions {
  /** Its entry in TypeScript, or what it was bundled into. */
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
  /** Milliseconds from the start, up to the 2^31-1 that a timer takes; then it is killed, whatever it does. */
  readonly timeoutMs: number
  readonly signal?: AbortSignal | undefined
  /** Told when it started: when it will be gone. */
  readonly onStart?: (exited: Promise<void>) => void
}

/** Why a process is not there any more: its time is over, the caller cancelled, it ended, or it said what no protocol has. */
export type ProcessEnd = 'timeout' | 'cancelled' | 'gone' | 'malformed'

/** What one kind of process answers, and what is thrown in its name. */
export interface Dialect<Answer> {
  /** Reads an answer; undefined where it is none. What comes was written by an attacker. */
  decode(message: unknown): Answer | undefined
  /** The error of an answer that says that the process failed; undefined where it says something else. */
  failure(answer: Answer): Error | undefined
  /** @param detail of `timeout`: what is expected; of `gone`: the signal that ended it, if one did */
  error(end: ProcessEnd, detail?: string): Error
}

/** The process of one run, and of nothing else after it. */
export class RoomProcess<Question, Answer extends { readonly say: string }> {
  private readonly dialect: Dialect<Answer>
  private readonly child: ChildProcess
  private readonly socket: Duplex
  private readonly reader: FrameReader
  private readonly timeoutMs: number
  private timer: NodeJS.Timeout
  private readonly stopListening: () => void
  private waiting: { resolve(answer: Answer): void; reject(reason: Error): void } | undefined
  private onPiece: ((bytes: Uint8Array) => void) | undefined
  private lost: Error | undefined
  private isEnding = false
  /** Resolves when the process is gone. */
  readonly exited: Promise<void>

  constructor(options: RoomProcessOptions, dialect: Dialect<Answer>) {
    const {
      entry,
      execPath = process.execPath,
      prefix = [],
      flags = [],
      emptyDirectory,
      fds,
      timeoutMs,
    } = options
    this.dialect = dialect
    this.timeoutMs = timeoutMs
    this.reader = new FrameReader(() => dialect.error('malformed'))
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
    options.onStart?.(this.exited)
    this.socket = this.child.stdio[3] as Duplex
    this.socket.on('data', (chunk: Uint8Array) => this.receive(chunk))
    // What ended it is known a moment after its socket closes; if nothing did, this does.
    const gone = (): void => {
      this.end()
      void this.exited.then(() => this.kill(dialect.error('gone', this.child.signalCode ?? undefined)))
    }
    this.socket.on('error', gone)
    this.socket.on('close', gone)
    this.child.once('error', gone)
    this.timer = this.startClock()
    const { signal } = options
    const onAbort = (): void => this.kill(dialect.error('cancelled'))
    signal?.addEventListener('abort', onAbort, { once: true })
    this.stopListening = () => signal?.removeEventListener('abort', onAbort)
    if (signal?.aborted) onAbort()
    this.preferAsVictim()
  }

  /** Sends bytes that belong to the question that comes next. @throws why it is gone */
  send(bytes: Uint8Array): void {
    this.requireThere()
    this.socket.write(encodePiece(bytes))
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
    this.requireThere()
    if (this.waiting) throw new TypeError('one question at a time')
    const answer = await new Promise<Answer>((resolve, reject) => {
      this.waiting = { resolve, reject }
      this.onPiece = onPiece
      this.socket.write(encodeMessage(question))
    })
    const failure = this.dialect.failure(answer)
    if (failure) throw failure
    if (answer.say !== said) throw this.dialect.error('malformed')
    return answer as Answer & { say: Said }
  }

  /**
   * Waits for something of ours: the time of the process stands still meanwhile, and begins anew.
   * @throws what `ours` throws, or why the process is gone
   */
  async waitFor<T>(ours: Promise<T>): Promise<T> {
    clearTimeout(this.timer)
    const gone = this.exited.then((): never => {
      this.kill(this.dialect.error('gone'))
      throw this.lost!
    })
    const result = await Promise.race([ours, gone])
    this.requireThere()
    this.timer = this.startClock()
    return result
  }

  /** Ends the process at once; a question in progress fails with `reason`. */
  kill(reason: Error): void {
    if (this.lost) return
    this.lost = reason
    clearTimeout(this.timer)
    this.stopListening()
    this.waiting?.reject(reason)
    this.end()
  }

  /** Ends the process, and whatever else is in its group. */
  private end(): void {
    // Once: a group that is gone may be another's later.
    if (this.isEnding) return
    this.isEnding = true
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
    this.kill(this.dialect.error('gone'))
    await this.exited
  }

  private startClock(): NodeJS.Timeout {
    const { timeoutMs } = this
    const end = (): void => this.kill(this.dialect.error('timeout', `at most ${timeoutMs} ms`))
    return setTimeout(end, timeoutMs)
  }

  private requireThere(): void {
    if (this.lost) throw this.lost
  }

  private receive(chunk: Uint8Array): void {
    const malformed = (): Error => this.dialect.error('malformed')
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
          const answer = this.dialect.decode(frame.message)
          if (answer === undefined) throw malformed()
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
      writeFileSync(`/proc/${this.child.pid}/oom_score_adj`, `${OOM_SCORE}`)
    } catch {
      // Not ours to set here; the order of victims is the kernel's then.
    }
  }
}
