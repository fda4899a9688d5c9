import { isFields } from './pointer.ts'

/**
 * Whether two JSON values are equal (JSON Schema 2020-12 Section 4.2.2): the order of an object's keys says nothing.
 * `step` is told of every key that is looked at.
 */
export function isSame(a: unknown, b: unknown, step?: (count: number) => void): boolean {
  if (typeof a !== 'object' || a === null || typeof b !== 'object' || b === null) return a === b
  if (Array.isArray(a) !== Array.isArray(b)) return false
  const keys = Object.keys(a)
  if (keys.length !== Object.keys(b).length) return false
  step?.(keys.length)
  const [one, other] = [a, b] as Readonly<Record<string, unknown>>[]
  return keys.every((key) => Object.hasOwn(b, key) && isSame(one![key], other![key], step))
}

/** The types of JSON Schema a value has: of a whole number two. */
export function isOfType(value: unknown, type: unknown): boolean {
  if (type === 'null') return value === null
  if (type === 'array') return Array.isArray(value)
  if (type === 'object') return isFields(value)
  if (type === 'integer') return Number.isInteger(value)
  return typeof value === type
}
