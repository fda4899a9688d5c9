import { type Decoder, jcsError, list, text } from '@sotto/protocol/jcs'
import { hasCode } from '@sotto/protocol/errors'
import { parseTime } from '../../input/index.ts'

export const MIB: number = 2 ** 20
export const GIB: number = 2 ** 30

/** Named values of one kind, as an enclave takes them. */
const MAX_ENTRIES = 64
const MAX_WORDS = 64

const UNITS: Readonly<Record<string, number>> = { MiB: MIB, GiB: GIB, MB: 1e6, GB: 1e9 }

/** What a shell would make something of. */
const PLAIN_WORD = String.raw`[^\s'"\\$\`|&;<>(){}*?\0]+`
const PLAIN_LINE = new RegExp(`^${PLAIN_WORD}(?: ${PLAIN_WORD})*$`)

/** The year that a time may not be beyond: what is shown of one has four digits. */
const LAST_SECOND = 253_402_300_799

/** Bytes, as people write them: `512MiB`, `2GiB`, or a number. */
export function size(min: number, max: number): Decoder<number> {
  return (value, path) => {
    const [, digits, unit] = (typeof value === 'string' && /^(\d{1,9})(MiB|GiB|MB|GB)$/.exec(value)) || []
    const bytes = digits === undefined ? value : Number(digits) * UNITS[unit!]!
    if (typeof bytes === 'number' && Number.isSafeInteger(bytes) && bytes >= min && bytes <= max) return bytes
    throw jcsError(
      'JCS_FIELD',
      `${path}: expected a size such as 512MiB or 2GiB`,
      `${min / MIB} MiB to ${max / GIB} GiB`,
      typeof value === 'string' && /^[\w.]{1,16}$/.test(value) ? value : `a ${typeof value}`,
    )
  }
}

/** An object of any names that match, at most 64. */
export function table<T>(
  name: RegExp,
  item: Decoder<T>,
  max: number = MAX_ENTRIES,
): Decoder<Record<string, T>> {
  return (value, path) => {
    const entries =
      typeof value === 'object' && value !== null && !Array.isArray(value) ? Object.entries(value) : undefined
    if (entries === undefined || entries.length > max)
      throw jcsError('JCS_FIELD', `${path}: expected at most ${max} named values`)
    return Object.fromEntries(
      entries.map(([key, entry]) => {
        if (!name.test(key))
          throw jcsError('JCS_FIELD', `${path}: ${shown(key)} is no name`, `text like ${name.source}`)
        return [key, item(entry, `${path}.${key}`)]
      }),
    )
  }
}

/** A mistaken name helps; what only came to stand in its place, perhaps a secret, is not repeated. */
function shown(name: string): string {
  return /^[\w. -]{0,32}$/.test(name) ? JSON.stringify(name) : 'one of these'
}

/** Text that a process can be given: without NUL, whole characters. Numbers and the like need quotes, for YAML reads them as such. */
export function word(max: number, min = 1): Decoder<string> {
  return (value, path) => {
    if (typeof value === 'number' || typeof value === 'boolean' || value === null)
      throw jcsError('JCS_FIELD', `${path}: expected text, so put it in quotes`, 'text', `a ${typeof value}`)
    if (value === '' && min === 0) return ''
    const decoded = text(max)(value, path)
    if (!decoded.includes('\0') && decoded.isWellFormed()) return decoded
    throw jcsError('JCS_FIELD', `${path}: expected text that a process can be given`)
  }
}

/** A time with its zone, or a date, whose end counts. YAML leaves both as text. @returns Unix seconds */
export const time: Decoder<number> = (value, path) => {
  const given = typeof value === 'string' ? value : ''
  try {
    const whole = /^\d{4}-\d\d-\d\d$/.test(given) ? `${given}T23:59:59Z` : given
    const seconds = parseTime(path, whole)
    if (seconds > 0 && seconds <= LAST_SECOND) return seconds
  } catch (error) {
    if (!hasCode(error, 'CLI_USAGE')) throw error
  }
  throw jcsError(
    'JCS_FIELD',
    `${path}: expected a date or a time with its zone`,
    '2027-01-31 or 2027-01-31T12:00:00Z',
    typeof value === 'string' && /^[\w:.+-]{1,32}$/.test(value) ? value : `a ${typeof value}`,
  )
}

const words = list(word(4096), 1, MAX_WORDS)

/** A command: a list of words, or one line that is split at its spaces and holds nothing that a shell would make something of. */
export const command: Decoder<string[]> = (value, path) => {
  if (typeof value !== 'string') return words(value, path)
  if (PLAIN_LINE.test(value)) return words(value.split(' '), path)
  throw jcsError(
    'JCS_FIELD',
    `${path}: there is no shell that would read quotes, variables or wildcards`,
    'plain words with single spaces, or a list of words: [sh, -c, "…"]',
  )
}
