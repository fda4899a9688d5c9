import { InvalidArgumentError } from 'commander'
import type { FlagSpec } from './spec.ts'

/** The number of a flag within its bounds. @throws commander's `InvalidArgumentError` naming them */
export function parseNumberFlag(
  name: string,
  spec: Extract<FlagSpec, { type: 'number' }>,
  text: string,
): number {
  const value = /^-?\d+(\.\d+)?$/.test(text) ? Number(text) : Number.NaN
  const integer = spec.integer ?? false
  if (value >= spec.min && value <= spec.max && (!integer || Number.isInteger(value))) return value
  const kind = integer ? 'a whole number' : 'a number'
  throw new InvalidArgumentError(`--${name} takes ${kind} from ${spec.min} to ${spec.max}.`)
}
