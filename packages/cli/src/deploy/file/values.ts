import { type Decoder, jcsError, list, text } from '@sotto/protocol/jcs'

export const MIB: number = 2 ** 20
export const GIB: number = 2 ** 30

/** Named values of one kind, as an enclave takes them. */
const MAX_ENTRIES = 64
const MAX_WORDS = 64

const UNITS = { MiB: MIB, GiB: GIB, MB: 1e6, GB: 1e9 }

/** What a shell would make something of. */
const PLAIN_WORD = String.raw`[^\s'"\\$\`|&;<>(){}*?\0]+`
const PLAIN_LINE = new RegExp(`^${PLAIN_WORD}(?: ${PLAIN_WORD})*$`)

/** Whole bytes as people write them: a number, or digits and one of these units; undefined for anything else. */
export function bytesOf(value: unknown, units: Readonly<Record<string, number>>): number | undefined {
  const [, digits, unit = ''] = (typeof value === 'string' && /^(\d{1,9})([A-Za-z]+)$/.exec(value)) || []
  const bytes = Object.hasOwn(units, unit) ? Number(digits) * units[unit]! : value
  return typeof bytes === 'number' && Number.isSafeInteger(bytes) ? bytes : undefined
}

/** Bytes, as people write them: `512MiB`, `2GiB`, or a number. */
export function size(min: number, max: number): Decoder<number> {
  return (value, path) => {
    const bytes = bytesOf(value, UNITS)
    if (bytes !== undefined && bytes >= min && bytes <= max) return bytes
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
