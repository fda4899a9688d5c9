import { fromUtf8, utf8 } from '../bytes/index.ts'
import { jcsError } from './errors.ts'

/** What our documents are made of: no fractions, no numbers past 2^53. */
export type JsonValue =
  | string
  | number
  | boolean
  | null
  | readonly JsonValue[]
  | { readonly [name: string]: JsonValue }

/** Nesting of our deepest document is 6; more is an attack on the stack. */
export const MAX_DEPTH = 16

/** Bounds of {@link parseCanonicalJson}. */
export interface JsonLimits {
  /** Longest accepted input. Default 65536. */
  maxBytes?: number
  /** Deepest accepted nesting. Default 16. */
  maxDepth?: number
}

/**
 * RFC 8785 canonical bytes of a value made of strings, safe integers, booleans, null, arrays and
 * plain objects; member names sort by UTF-16 code units (Section 3.2.3). Members that are
 * `undefined` are left out.
 *
 * @throws `JCS_UNSUPPORTED` (fix-input) for anything else
 */
export function canonicalJson(value: unknown): Uint8Array {
  return utf8(serialise(value, 0))
}

function serialise(value: unknown, depth: number): string {
  if (depth > MAX_DEPTH) throw jcsError('JCS_UNSUPPORTED', 'value is nested too deeply')
  if (value === null || typeof value === 'boolean') return String(value)
  if (typeof value === 'string') {
    if (!value.isWellFormed()) throw jcsError('JCS_UNSUPPORTED', 'text has a lone surrogate')
    return JSON.stringify(value)
  }
  if (typeof value === 'number') {
    if (!Number.isSafeInteger(value) || Object.is(value, -0))
      throw jcsError('JCS_UNSUPPORTED', 'only safe integers have a canonical form here')
    return String(value)
  }
  if (Array.isArray(value)) return `[${value.map((item) => serialise(item, depth + 1)).join(',')}]`
  if (typeof value !== 'object') throw jcsError('JCS_UNSUPPORTED', `a ${typeof value} has no JSON form`)
  const members = Object.entries(value)
    .filter(([, member]) => member !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1))
  return `{${members.map(([name, member]) => `${serialise(name, depth)}:${serialise(member, depth + 1)}`).join(',')}}`
}

/**
 * Parses JSON that must be in canonical form: what was read, serialised again, must be the very
 * bytes. That refuses white space, unsorted and duplicate names, fractions and other spellings in
 * one comparison. The bytes may come from anybody.
 *
 * @throws `JCS_MALFORMED` (fix-input)
 */
export function parseCanonicalJson(bytes: Uint8Array, limits: JsonLimits = {}): JsonValue {
  const maxBytes = limits.maxBytes ?? 65_536
  if (bytes.length > maxBytes)
    throw jcsError('JCS_MALFORMED', 'document is too long', `at most ${maxBytes} bytes`, `${bytes.length}`)
  const text = fromUtf8(bytes)
  requireDepth(text, limits.maxDepth ?? MAX_DEPTH)
  let value: JsonValue
  try {
    value = JSON.parse(text) as JsonValue
  } catch {
    throw jcsError('JCS_MALFORMED', 'document is not JSON')
  }
  let canonical: string
  try {
    canonical = serialise(value, 0)
  } catch {
    throw jcsError('JCS_MALFORMED', 'document has a value that has no canonical form')
  }
  if (canonical !== text) throw jcsError('JCS_MALFORMED', 'document is not in canonical form')
  return value
}

const [QUOTE, OPEN_LIST, CLOSE_LIST, OPEN_OBJECT, CLOSE_OBJECT] = [0x22, 0x5b, 0x5d, 0x7b, 0x7d]

/** Bounds nesting before the parser recurses. */
export function requireDepth(text: string, maxDepth: number): void {
  let depth = 0
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i)
    if (unit === QUOTE) i = endOfString(text, i)
    else if (unit === OPEN_OBJECT || unit === OPEN_LIST) {
      if (++depth > maxDepth) throw jcsError('JCS_MALFORMED', 'document is nested too deeply')
    } else if (unit === CLOSE_OBJECT || unit === CLOSE_LIST) depth--
  }
}

/** Where the string that starts here ends: at the first quote with an even number of backslashes before it, or with the text. */
export function endOfString(text: string, start: number): number {
  let end = start
  let first
  do {
    first = end = text.indexOf('"', end + 1)
    if (end < 0) return text.length
    while (text.charCodeAt(first - 1) === BACKSLASH) first--
  } while ((end - first) % 2 > 0)
  return end
}

const BACKSLASH = 0x5c
