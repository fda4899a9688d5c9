import type { SottoError } from '@sotto/protocol/errors'
import { serveError, type ServeErrorCode } from '../errors/index.ts'

/** Turns one JSON value into a checked one, or throws `CONFIG_INVALID` naming `path`. */
export type Decoder<T> = (value: unknown, path: string) => T

/** Reads every field of one JSON object exactly once and refuses the fields nobody asked for. */
export class Fields {
  readonly path: string
  private readonly values: Map<string, unknown>

  /** @throws `CONFIG_INVALID` when `value` is not an object */
  constructor(value: unknown, path: string) {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) throw invalid(path, 'an object')
    this.path = path
    this.values = new Map(Object.entries(value))
  }

  /** A field that must be there. */
  required<T>(name: string, decode: Decoder<T>): T {
    if (!this.values.has(name)) throw invalid(`${this.path}.${name}`, 'to be present')
    return this.take(name, decode)
  }

  /** A field that may be absent; `fallback` is then used as it is. */
  optional<T>(name: string, decode: Decoder<T>, fallback: T): T {
    return this.values.has(name) ? this.take(name, decode) : fallback
  }

  /** Call after the last field. @throws `CONFIG_INVALID` when a field was not asked for */
  end(): void {
    for (const name of this.values.keys()) throw invalid(`${this.path}.${name}`, 'no such field')
  }

  private take<T>(name: string, decode: Decoder<T>): T {
    const value = this.values.get(name)
    this.values.delete(name)
    return decode(value, `${this.path}.${name}`)
  }
}

/** An object whose fields `read` takes one by one; unknown fields are refused after it returns. */
export function object<T>(read: (fields: Fields) => T): Decoder<T> {
  return function decodeObject(value, path) {
    const fields = new Fields(value, path)
    const result = read(fields)
    fields.end()
    return result
  }
}

/** Text of `min` to `max` UTF-16 units (default 1 to 256) that matches `pattern` when there is one. */
export function text(bounds: { min?: number; max?: number; pattern?: RegExp } = {}): Decoder<string> {
  const { min = 1, max = 256, pattern } = bounds
  return function decodeText(value, path) {
    if (typeof value !== 'string' || value.length < min || value.length > max)
      throw invalid(path, `text of ${min} to ${max} characters`)
    if (pattern !== undefined && !pattern.test(value))
      throw invalid(path, `text that matches ${pattern.source}`)
    return value
  }
}

/** A whole number from `min` to `max`, both included. */
export function integer(min: number, max: number): Decoder<number> {
  return function decodeInteger(value, path) {
    if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < min || value > max) {
      throw invalid(path, `a whole number from ${min} to ${max}`)
    }
    return value
  }
}

/** `true` or `false`. */
export function boolean(value: unknown, path: string): boolean {
  if (typeof value !== 'boolean') throw invalid(path, 'true or false')
  return value
}

/** One of a fixed set of words. */
export function oneOf<const T extends string>(...words: readonly T[]): Decoder<T> {
  return function decodeWord(value, path) {
    const word = words.find((candidate) => candidate === value)
    if (word === undefined) throw invalid(path, `one of ${words.join(', ')}`)
    return word
  }
}

/** A list of `min` to `max` items. */
export function list<T>(item: Decoder<T>, min: number, max: number): Decoder<T[]> {
  return function decodeList(value, path) {
    if (!Array.isArray(value) || value.length < min || value.length > max)
      throw invalid(path, `a list of ${min} to ${max}`)
    return value.map((entry, index) => item(entry, `${path}[${index}]`))
  }
}

/** An object used as a table: `min` to `max` keys that match `key`. The result has no prototype. */
export function table<T>(
  key: RegExp,
  item: Decoder<T>,
  min: number,
  max: number,
): Decoder<Record<string, T>> {
  return function decodeTable(value, path) {
    const fields = new Fields(value, path)
    const entries = Object.entries(value as object)
    if (entries.length < min || entries.length > max) throw invalid(path, `${min} to ${max} entries`)
    const result = Object.create(null) as Record<string, T>
    for (const [name] of entries) {
      if (!key.test(name)) throw invalid(`${path}.${name}`, `a key that matches ${key.source}`)
      result[name] = fields.required(name, item)
    }
    return result
  }
}

/** Where a server listens. `port` 0 asks the system for a free one. */
export interface Listen {
  host: string
  port: number
}

/** Decodes {@link Listen}; the host defaults to 127.0.0.1. */
export const listen: Decoder<Listen> = object((fields) => ({
  host: fields.optional('host', text({ pattern: /^[A-Za-z0-9.:_-]+$/ }), '127.0.0.1'),
  port: fields.required('port', integer(0, 65535)),
}))

/** An `http:` or `https:` origin or URL without credentials, query or fragment; no trailing slash. */
export function httpUrl(value: unknown, path: string): string {
  const url = typeof value === 'string' && value.length <= 512 ? URL.parse(value) : null
  if (
    url === null ||
    !/^https?:$/.test(url.protocol) ||
    url.username + url.password + url.search + url.hash !== ''
  ) {
    throw invalid(path, 'an http or https URL')
  }
  return url.href.replace(/\/+$/, '')
}

function invalid(path: string, expected: string): SottoError<ServeErrorCode> {
  return serveError('CONFIG_INVALID', `${path}: expected ${expected}`, { expected })
}
