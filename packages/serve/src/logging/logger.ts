/**
 * What a log field may hold. There is no kind for free text, because whatever is free will one day
 * hold somebody's words.
 * - `count`: whole number ≥ 0; `flag`: boolean.
 * - `code`: an error code, `[A-Z][A-Z0-9_]*`, at most 64 characters.
 * - `name`: `[a-z0-9][a-z0-9.-]*`, at most 64 characters, for names out of the configuration.
 * - `digest`: 64 hexadecimal characters.
 * - `address`: an address this process listens on, `http://host:port`.
 */
export type FieldKind = 'count' | 'flag' | 'code' | 'name' | 'digest' | 'address'

/** Every event a role may log, and the fields of each. */
export type AllowList = Readonly<Record<string, Readonly<Record<string, FieldKind>>>>

interface ValueOfKind {
  count: number
  flag: boolean
  code: string
  name: string
  digest: string
  address: string
}

/** Values for the fields of one event. Fields may be left out; others do not exist. */
export type FieldsOf<Kinds extends Readonly<Record<string, FieldKind>>> = {
  [F in keyof Kinds]?: ValueOfKind[Kinds[F]]
}

/** Writes allow-listed events. Anything else is a type error, and is dropped at run time. */
export interface Logger<Events extends AllowList> {
  log<E extends keyof Events & string>(event: E, fields?: FieldsOf<Events[E]>): void
  /** How many events or fields were dropped because the allow-list does not know them. */
  readonly dropped: number
}

/** Where lines go and what time it is. */
export interface LoggerOptions {
  /** Receives one line with its newline. Default: standard error. */
  write?: (line: string) => void
  /** Milliseconds since the Unix epoch. Default: `Date.now`. */
  now?: () => number
}

const CHECKS: Readonly<Record<FieldKind, (value: unknown) => boolean>> = {
  count: (value) => Number.isSafeInteger(value) && (value as number) >= 0,
  flag: (value) => typeof value === 'boolean',
  code: matches(/^[A-Z][A-Z0-9_]{0,63}$/),
  name: matches(/^[a-z0-9][a-z0-9.-]{0,63}$/),
  digest: matches(/^[0-9a-f]{64}$/),
  address: matches(/^https?:\/\/[A-Za-z0-9.:[\]-]{1,80}$/),
}

/**
 * Makes the only thing a measured role may write lines with. A redaction list forgets, an
 * allow-list cannot: a field that is not listed, or whose value is not of its kind, is not written.
 */
export function createLogger<const Events extends AllowList>(
  role: string,
  events: Events,
  options: LoggerOptions = {},
): Logger<Events> {
  const write = options.write ?? ((line: string) => void process.stderr.write(line))
  const now = options.now ?? Date.now
  let dropped = 0
  return {
    log(event, fields = {}) {
      if (!Object.hasOwn(events, event)) {
        dropped++
        return
      }
      const kinds = events[event]!
      const line: Record<string, unknown> = { time: new Date(now()).toISOString(), role, event }
      for (const [field, value] of Object.entries(fields)) {
        if (value === undefined) continue
        if (Object.hasOwn(kinds, field) && CHECKS[kinds[field]!](value)) line[field] = value
        else dropped++
      }
      write(`${JSON.stringify(line)}\n`)
    },
    get dropped() {
      return dropped
    },
  }
}

function matches(pattern: RegExp): (value: unknown) => boolean {
  return (value) => typeof value === 'string' && pattern.test(value)
}
