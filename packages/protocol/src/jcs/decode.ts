import { fromBase64, fromBase64Url, fromHex } from '../bytes/index.ts'
import { jcsError } from './errors.ts'

/** Turns untrusted JSON into a typed value, or throws `JCS_FIELD` naming the path. */
export type Decoder<T> = (value: unknown, path: string) => T

type Fields<T> = { [Name in keyof T]-?: Decoder<T[Name]> }

/** An object with exactly these members: none missing, none unknown. */
export function object<T extends object>(fields: Fields<T>): Decoder<T> {
  const names = Object.keys(fields) as (keyof T & string)[]
  return (value, path) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value))
      throw wrong(path, 'an object', describe(value))
    for (const name of Object.keys(value))
      if (!Object.hasOwn(fields, name)) throw wrong(`${path}.${shown(name)}`, 'no such member', 'one')
    const decoded = {} as T
    for (const name of names) {
      if (!Object.hasOwn(value, name)) throw wrong(`${path}.${name}`, 'a value', 'nothing')
      decoded[name] = fields[name]((value as Record<string, unknown>)[name], `${path}.${name}`)
    }
    return decoded
  }
}

type Decoders<T> = { [Name in keyof T]-?: Decoder<NonNullable<T[Name]>> }
type OptionalNames<T> = { [Name in keyof T]-?: undefined extends T[Name] ? Name : never }[keyof T]

/** An object with all of the first members and any of the second, and no other. */
export function members<T extends object>(
  required: Decoders<Omit<T, OptionalNames<T>>>,
  optional: Decoders<Pick<T, OptionalNames<T>>>,
): Decoder<T> {
  const entries = Object.entries(optional)
  return (value, path) => {
    const given = entries.filter(
      ([name]) => typeof value === 'object' && value !== null && Object.hasOwn(value, name),
    )
    return object({ ...required, ...Object.fromEntries(given) } as never)(value, path) as T
  }
}

/** An object with any of these members, and no other: for policies, where what is left out has a default. */
export function partial<T extends object>(fields: Decoders<T>): Decoder<T> {
  return members({} as never, fields as never)
}

/** An array of `min` to `max` items. */
export function list<T>(item: Decoder<T>, min: number, max: number): Decoder<T[]> {
  return (value, path) => {
    if (!Array.isArray(value) || value.length < min || value.length > max)
      throw wrong(path, `a list of ${min} to ${max}`, describe(value))
    return value.map((member, index) => item(member, `${path}[${index}]`))
  }
}

/** Text of 1 to `max` UTF-16 units that matches the pattern, if one is given. */
export function text(max: number, pattern?: RegExp): Decoder<string> {
  return (value, path) => {
    if (typeof value !== 'string' || value.length === 0 || value.length > max)
      throw wrong(path, `text of 1 to ${max} characters`, describe(value))
    if (pattern && !pattern.test(value)) throw wrong(path, `text like ${pattern.source}`, describe(value))
    return value
  }
}

/**
 * A name for people, 1 to `max` characters: no control or formatting character, so that printing it
 * moves no cursor and turns no text around.
 */
export function label(max: number): Decoder<string> {
  return text(max, /^[^\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+$/u)
}

/** Exactly this value. */
export function literal<const T extends string | number | boolean>(expected: T): Decoder<T> {
  return (value, path) => {
    if (value !== expected) throw wrong(path, JSON.stringify(expected), quote(value))
    return expected
  }
}

/** One of these strings. */
export function oneOf<const T extends string>(...allowed: readonly T[]): Decoder<T> {
  return (value, path) => {
    if (!allowed.includes(value as T)) throw wrong(path, allowed.join(' or '), quote(value))
    return value as T
  }
}

/** A whole number within bounds. */
export function integer(min = 0, max: number = Number.MAX_SAFE_INTEGER): Decoder<number> {
  return (value, path) => {
    if (!Number.isSafeInteger(value) || (value as number) < min || (value as number) > max)
      throw wrong(path, `a whole number from ${min} to ${max}`, describe(value))
    return value as number
  }
}

/**
 * One of several kinds of object, by the member that says which: each decoder reads all of its kind, that member too.
 * @param name of the member, whose value is a text
 */
export function variants<T>(name: string, decoders: Readonly<Record<string, Decoder<T>>>): Decoder<T> {
  return (value, path) => {
    const kind = (value as Record<string, unknown> | null | undefined)?.[name]
    // No member that every object has is a kind.
    if (typeof kind === 'string' && Object.hasOwn(decoders, kind)) return decoders[kind]!(value, path)
    throw jcsError('JCS_FIELD', `${path}.${name} must be ${Object.keys(decoders).join(', ')}`)
  }
}

/** A decoder whose values must also make sense together: `check` says in words what is wrong, or nothing. */
export function refine<T>(decoder: Decoder<T>, check: (value: T) => string | undefined): Decoder<T> {
  return (value, path) => {
    const decoded = decoder(value, path)
    const contradiction = check(decoded)
    if (contradiction !== undefined)
      throw jcsError('JCS_FIELD', `${path} contradicts itself: ${contradiction}`)
    return decoded
  }
}

/** True when no two values are the same. */
export function areDistinct(values: readonly (string | number)[]): boolean {
  return new Set(values).size === values.length
}

/** true or false. */
export function boolean(): Decoder<boolean> {
  return (value, path) => {
    if (typeof value !== 'boolean') throw wrong(path, 'true or false', describe(value))
    return value
  }
}

/** Lower-case hexadecimal of exactly `bytes` bytes; stays text. */
export function hex(bytes: number): Decoder<string> {
  return encoded(fromHex, bytes, bytes, 'hexadecimal')
}

/** Unpadded base64url of `min` to `max` bytes; stays text. */
export function base64url(min: number, max: number = min): Decoder<string> {
  return encoded(fromBase64Url, min, max, 'base64url')
}

/** Padded base64 of `min` to `max` bytes; stays text. */
export function base64(min: number, max: number = min): Decoder<string> {
  return encoded(fromBase64, min, max, 'base64')
}

function encoded(
  decode: (text: string) => Uint8Array,
  min: number,
  max: number,
  name: string,
): Decoder<string> {
  const expected = `${name} of ${min === max ? min : `${min} to ${max}`} bytes`
  return (value, path) => {
    if (typeof value !== 'string' || value.length > max * 2 + 4) throw wrong(path, expected, describe(value))
    let length: number
    try {
      ;({ length } = decode(value))
    } catch {
      throw wrong(path, expected, describe(value))
    }
    if (length < min || length > max) throw wrong(path, expected, `${length} bytes`)
    return value
  }
}

/** What stood in the place, never its content: a misplaced secret must not reach a log. */
function describe(found: unknown): string {
  if (typeof found === 'string') return `text of ${found.length} characters`
  if (Array.isArray(found)) return `a list of ${found.length}`
  if (typeof found === 'number' || typeof found === 'boolean' || found === null) return String(found)
  return found === undefined ? 'nothing' : 'an object'
}

/** A short word may be shown where a word of a fixed list is expected: it is a typing mistake. */
function quote(value: unknown): string {
  return typeof value === 'string' && /^[\w./+-]{1,32}$/.test(value) ? value : describe(value)
}

/** A member name an attacker chose, bounded and printable. */
function shown(name: string): string {
  return /^[\x21-\x7e]{1,64}$/.test(name) ? name : '(unprintable)'
}

function wrong(path: string, expected: string, found: string): Error {
  return jcsError('JCS_FIELD', `${path} is malformed`, expected, found)
}
