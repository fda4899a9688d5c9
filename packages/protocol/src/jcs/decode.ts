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
      throw wrong(path, 'an object', value)
    for (const name of Object.keys(value))
      if (!Object.hasOwn(fields, name)) throw wrong(`${path}.${name}`, 'no such member', 'one')
    const decoded = {} as T
    for (const name of names) {
      if (!Object.hasOwn(value, name)) throw wrong(`${path}.${name}`, 'a value', 'none')
      decoded[name] = fields[name]((value as Record<string, unknown>)[name], `${path}.${name}`)
    }
    return decoded
  }
}

/** An array of `min` to `max` items. */
export function list<T>(item: Decoder<T>, min: number, max: number): Decoder<T[]> {
  return (value, path) => {
    if (!Array.isArray(value) || value.length < min || value.length > max)
      throw wrong(path, `a list of ${min} to ${max}`, value)
    return value.map((member, index) => item(member, `${path}[${index}]`))
  }
}

/** Text of 1 to `max` UTF-16 units that matches the pattern, if one is given. */
export function text(max: number, pattern?: RegExp): Decoder<string> {
  return (value, path) => {
    if (typeof value !== 'string' || value.length === 0 || value.length > max)
      throw wrong(path, `text of 1 to ${max} characters`, value)
    if (pattern && !pattern.test(value)) throw wrong(path, `text like ${pattern.source}`, value)
    return value
  }
}

/** Exactly this value. */
export function literal<const T extends string | number | boolean>(expected: T): Decoder<T> {
  return (value, path) => {
    if (value !== expected) throw wrong(path, JSON.stringify(expected), value)
    return expected
  }
}

/** One of these strings. */
export function oneOf<const T extends string>(...allowed: readonly T[]): Decoder<T> {
  return (value, path) => {
    if (!allowed.includes(value as T)) throw wrong(path, allowed.join(' or '), value)
    return value as T
  }
}

/** A whole number within bounds. */
export function integer(min = 0, max: number = Number.MAX_SAFE_INTEGER): Decoder<number> {
  return (value, path) => {
    if (!Number.isSafeInteger(value) || (value as number) < min || (value as number) > max)
      throw wrong(path, `a whole number from ${min} to ${max}`, value)
    return value as number
  }
}

/** true or false. */
export function boolean(): Decoder<boolean> {
  return (value, path) => {
    if (typeof value !== 'boolean') throw wrong(path, 'true or false', value)
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
    if (typeof value !== 'string' || value.length > max * 2 + 4) throw wrong(path, expected, value)
    let length: number
    try {
      ;({ length } = decode(value))
    } catch {
      throw wrong(path, expected, value)
    }
    if (length < min || length > max) throw wrong(path, expected, `${length} bytes`)
    return value
  }
}

function wrong(path: string, expected: string, found: unknown): Error {
  const shown =
    typeof found === 'string'
      ? found
      : Array.isArray(found)
        ? `a list of ${found.length}`
        : found === undefined
          ? 'nothing'
          : typeof found
  return jcsError('JCS_FIELD', `${path} is malformed`, expected, shown)
}
