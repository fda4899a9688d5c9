import { ROUTES } from './routes.ts'
import { USER_NAME } from './users.ts'

/** What a line may say. There is no field for free text, for whatever is free will one day hold somebody's words. */
export interface ProxyLogFields {
  /** HTTP status. */
  status?: number | undefined
  /** Code of an error, as the answer says it. */
  code?: string | undefined
  /** Kind of request, never its path. */
  route?: string | undefined
  /** Name of the user; written only where that was asked for. */
  user?: string | undefined
  /** Address the proxy listens on. */
  url?: string | undefined
  /** Something that is counted. */
  count?: number | undefined
}

/** Events that there are. */
export type ProxyEvent =
  | 'listening'
  | 'request'
  | 'cut'
  | 'verdict'
  | 'reloaded'
  | 'reload-failed'
  | 'closing'
  | 'closed'

/** Writes one line of JSON for one event. */
export type ProxyLog = (event: ProxyEvent, fields?: ProxyLogFields) => void

const CHECKS: Readonly<Record<keyof ProxyLogFields, (value: unknown) => boolean>> = {
  status: (value) => Number.isInteger(value) && (value as number) >= 100 && (value as number) <= 599,
  code: matches(/^[A-Za-z][A-Za-z0-9_]{0,63}$/),
  route: (value) => (ROUTES as readonly unknown[]).includes(value),
  user: matches(USER_NAME),
  url: matches(/^https?:\/\/[A-Za-z0-9.:[\]-]{1,255}$/),
  count: (value) => Number.isSafeInteger(value) && (value as number) >= 0,
}

/**
 * Makes a log that knows these events and fields and no others: a value that is not of its kind is not written.
 *
 * @param write receives one line with its newline
 * @param hasUsers whether names of users are written
 */
export function createProxyLog(
  write: (line: string) => void,
  hasUsers: boolean,
  now: () => number = Date.now,
): ProxyLog {
  return (event, fields = {}) => {
    const line: Record<string, unknown> = { time: new Date(now()).toISOString(), event }
    for (const [field, value] of Object.entries(fields)) {
      if (value === undefined || (field === 'user' && !hasUsers)) continue
      if (Object.hasOwn(CHECKS, field) && CHECKS[field as keyof ProxyLogFields](value)) line[field] = value
    }
    write(`${JSON.stringify(line)}\n`)
  }
}

function matches(pattern: RegExp): (value: unknown) => boolean {
  return (value) => typeof value === 'string' && pattern.test(value)
}
