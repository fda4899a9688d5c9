import { fromHex } from '@sotto/protocol/bytes'
import type { VectorCase } from './harness.ts'

/** One test of a Wycheproof file; fields besides these depend on the kind. */
export interface WycheproofTest {
  tcId: number
  comment: string
  result: 'valid' | 'invalid' | 'acceptable'
  flags: string[]
  [field: string]: unknown
}

/** What a test may say of its result. */
export const RESULTS: readonly unknown[] = [
  'valid',
  'invalid',
  'acceptable',
] satisfies WycheproofTest['result'][]

/** A group of tests that share parameters. */
export interface WycheproofGroup {
  type: string
  tests: WycheproofTest[]
  [field: string]: unknown
}

/** Makes the check of one test; undefined when the kind is somebody else's. */
export type WycheproofRunner = (
  algorithm: string,
  group: WycheproofGroup,
) => ((test: WycheproofTest) => VectorCase['run']) | undefined

/** A field that must be a string. */
export function text(holder: Record<string, unknown>, field: string): string {
  const value = holder[field]
  if (typeof value !== 'string') throw new Error(`field ${field} is missing`)
  return value
}

/** Bytes of a field that must be hexadecimal. */
export function bytes(holder: Record<string, unknown>, field: string): Uint8Array {
  return fromHex(text(holder, field))
}

/** A field that must be a number. */
export function number(holder: Record<string, unknown>, field: string): number {
  const value = holder[field]
  if (typeof value !== 'number') throw new Error(`field ${field} is missing`)
  return value
}
