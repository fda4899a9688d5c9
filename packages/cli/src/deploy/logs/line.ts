/** One event of a role, as it may be shown. */
export type RoleLine = { time: string; role: string; event: string } & Record<
  string,
  string | number | boolean
>

const MAX_LINE = 4096
const NAME = /^[a-z0-9][a-z0-9.-]{0,63}$/
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/
/** The kinds of value there are in a log of a role: none is free text. */
const VALUE =
  /^(?:[A-Z][A-Z0-9_]{0,63}|[a-z0-9][a-z0-9.-]{0,63}|[0-9a-f]{64}|https?:\/\/[A-Za-z0-9.:[\]-]{1,80})$/
/** How a role says why it ends. Of that only the code is shown: what it found may be anything. */
const ENDED = /^error: [a-z-]{1,32}: ([A-Z][A-Z0-9_]{0,63})(?:$|: )/

/**
 * Reads a line of a role's log as strictly as it was written. Undefined for anything else: a library's words, or
 * somebody's who can write to the file.
 * @param file the role whose file it is
 */
export function parseLogLine(file: string, line: string): RoleLine | undefined {
  if (line.length > MAX_LINE) return undefined
  const code = ENDED.exec(line)?.[1]
  if (code !== undefined) return { time: '', role: file, event: 'failed', code }
  let value: unknown
  try {
    value = JSON.parse(line)
  } catch {
    return undefined
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined
  const { time, role, event, ...fields } = value as Record<string, unknown>
  if (typeof time !== 'string' || !TIME.test(time)) return undefined
  if (typeof role !== 'string' || !NAME.test(role) || typeof event !== 'string' || !NAME.test(event))
    return undefined
  const isAllowed = Object.entries(fields).every(
    ([name, field]) => /^[A-Za-z]{1,32}$/.test(name) && isValue(field),
  )
  // Which of several enclaves it was stands in the name of the file.
  return isAllowed ? ({ time, role: file, event, ...fields } as RoleLine) : undefined
}

function isValue(value: unknown): boolean {
  if (typeof value === 'boolean') return true
  if (typeof value === 'number') return Number.isSafeInteger(value) && value >= 0
  return typeof value === 'string' && VALUE.test(value)
}
