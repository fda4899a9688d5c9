import type { SottoError } from '@sotto/protocol/errors'
import type { Config } from '../config/index.ts'
import type { ForeignText, Sink, Style } from '../terminal/index.ts'

/** Where input comes from: the real standard input, or bytes of a test. */
export interface Source {
  readonly isTerminal: boolean
  readonly stream: NodeJS.ReadableStream
}

/** Everything of the outside world a command may touch, so that tests can run commands in memory. */
export interface Io {
  readonly env: Readonly<Record<string, string | undefined>>
  readonly cwd: string
  readonly stdin: Source
  readonly stdout: Sink
  readonly stderr: Sink
  readonly fetch: typeof globalThis.fetch
  /** Milliseconds since the Unix epoch. */
  now(): number
  /** Aborted by SIGINT and SIGTERM. */
  readonly signal: AbortSignal
}

/** Values of the global flags. */
export interface GlobalFlags {
  readonly json: boolean
  readonly quiet: boolean
  readonly verbose: boolean
  /** False after `--no-color`. */
  readonly color: boolean
  readonly config: string | undefined
  readonly yes: boolean
}

/** What to do about an error, by somebody who knows more than its thrower; undefined: nothing to add. */
export type Adviser = (error: SottoError) => Promise<string | undefined>

/** What a handler gets. Results go through `out` or `json`, talk through `note`, nothing else is printed. */
export interface CommandContext {
  readonly io: Io
  readonly global: GlobalFlags
  /** Resolved settings with their origin; read on first use, so `doctor` and `help` work with a broken file. */
  config(): Promise<Config>
  /** Colours for standard output and standard error (plain where they must be). */
  readonly style: { readonly out: Style; readonly err: Style }
  readonly signal: AbortSignal
  /** One line of result on standard output. */
  out(line: string): void
  /** The result as one JSON document on standard output. */
  json(value: unknown): void
  /** What others wrote, as it comes, on standard output. The only way for content: see `createForeignText`. */
  foreign(): ForeignText
  /** The same for talk on standard error, which nobody takes for data: neutralised always; silent with `--quiet`. */
  foreignTalk(): ForeignText
  /** A line of talk on standard error; silent with `--quiet`. */
  note(line: string): void
  /** A line of talk on standard error only with `--verbose`. */
  detail(line: string): void
  /**
   * Something the user must see even with `--quiet` (the software-TEE banner).
   */
  warn(line: string): void
  /**
   * Asks on the terminal before something destructive. True at once with `--yes`.
   * @throws `CLI_USAGE` without a terminal: a script must pass `--yes`
   */
  confirm(question: string): Promise<boolean>
  /** Runs at the end, in reverse order, also after an error or SIGINT. */
  onExit(cleanup: () => void | Promise<void>): void
  /** Asked for a better hint should the command fail from here on. */
  onFailure(adviser: Adviser): void
  /** Says what failed as the end of a command would, where the command goes on. @returns the exit code it stands for */
  reportFailure(error: unknown): Promise<number>
}
