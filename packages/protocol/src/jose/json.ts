import { fromUtf8 } from '../bytes/index.ts'
import type { JsonValue } from '../jcs/index.ts'
import { joseError } from './errors.ts'

/** Members of a JSON object by name; look them up with `Object.hasOwn` or {@link member}. */
export interface JsonObject {
  readonly [name: string]: JsonValue
}

/** Claims of attestation services nest 5 levels; more is an attack on the stack. */
const MAX_DEPTH = 16

const [QUOTE, BACKSLASH, COMMA, OPEN_LIST, CLOSE_LIST, OPEN_OBJECT, CLOSE_OBJECT] = [
  0x22, 0x5c, 0x2c, 0x5b, 0x5d, 0x7b, 0x7d,
]

/**
 * The object in UTF-8 JSON that a service wrote: in its own spelling, unlike `parseStrictJson`, but no
 * name twice in an object at any depth. (JSON.parse keeps the last of two, another reader the first.)
 *
 * @param what subject of the error, 'header'
 * @throws `JOSE_MALFORMED` (fix-input)
 */
export function parseJsonObject(bytes: Uint8Array, what: string): JsonObject {
  let value: JsonValue
  try {
    const text = fromUtf8(bytes)
    requireUniqueNames(text)
    value = JSON.parse(text) as JsonValue
  } catch (error) {
    const { message } = error as Error
    throw joseError(
      'JOSE_MALFORMED',
      `${what} is not strict JSON`,
      'UTF-8 JSON without duplicate names',
      message,
    )
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw joseError('JOSE_MALFORMED', `${what} is not a JSON object`)
  return value as JsonObject
}

/** A member of an object; undefined where it has none of that name itself. */
export function member(object: JsonObject, name: string): JsonValue | undefined {
  return Object.hasOwn(object, name) ? object[name] : undefined
}

/** Refuses names that are there twice, and deep nesting. Meaningful for text that then turns out to be JSON. */
function requireUniqueNames(text: string): void {
  /** Names seen so far in each open object; nothing for an open list. */
  const open: (Set<string> | undefined)[] = []
  let isName = false
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i)
    if (unit === QUOTE) {
      const start = i
      let isPlain = true
      for (i++; i < text.length && text.charCodeAt(i) !== QUOTE; i++) {
        if (text.charCodeAt(i) !== BACKSLASH) continue
        isPlain = false
        i++
      }
      if (!isName) continue
      isName = false
      const quoted = text.slice(start, i + 1)
      // Two spellings of one name are one name.
      const name = isPlain ? quoted.slice(1, -1) : (JSON.parse(quoted) as string)
      const names = open.at(-1)!
      if (names.has(name)) throw new Error('a name stands twice in an object')
      names.add(name)
    } else if (unit === OPEN_OBJECT || unit === OPEN_LIST) {
      if (open.length >= MAX_DEPTH) throw new Error('nested too deeply')
      isName = unit === OPEN_OBJECT
      open.push(isName ? new Set() : undefined)
    } else if (unit === CLOSE_OBJECT || unit === CLOSE_LIST) {
      open.pop()
      isName = false
    } else if (unit === COMMA) isName = open.at(-1) !== undefined
  }
}
