import { engineError } from './errors.ts'

/**
 * Readers of fields that another process sent: an engine, or a model server. Whoever made its model may control them.
 * All throw `ENGINE_PROTOCOL`.
 */

/** An object whose fields are still unknown. */
export type Fields = Readonly<Record<string, unknown>>

/** No honest list is longer: a day of speech has fewer words. */
const MAX_LIST = 1_000_000

/** An object. */
export function object(value: unknown): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw bad('object expected')
  return value as Fields
}

/** A list of at most a million elements, each decoded. */
export function list<T>(value: unknown, decode: (element: unknown) => T): T[] {
  if (!Array.isArray(value) || value.length > MAX_LIST) throw bad('list expected')
  return value.map((element) => decode(element))
}

/** A string. */
export function text(value: unknown): string {
  if (typeof value !== 'string') throw bad('text expected')
  return value
}

/** A finite number. */
export function number(value: unknown): number {
  if (typeof value !== 'number' || !Number.isFinite(value)) throw bad('number expected')
  return value
}

/** 0, 1, 2 ... */
export function count(value: unknown): number {
  if (!Number.isSafeInteger(value) || (value as number) < 0) throw bad('counting number expected')
  return value as number
}

/** One of the known names. */
export function oneOf<T extends string>(value: unknown, known: readonly T[]): T {
  const found = known.find((name) => name === value)
  if (found === undefined) throw bad('unknown name')
  return found
}

/** What is thrown for anything else. */
export function bad(message: string): Error {
  return engineError('ENGINE_PROTOCOL', message)
}
