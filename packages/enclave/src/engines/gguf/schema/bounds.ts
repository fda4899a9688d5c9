import { refused, unsupported } from '../../json-schema/refusals.ts'
import { FORMATS, type StringFormat } from '../../json-schema/formats.ts'
import { both, type Dfa, dfaOf, dfaOfLength, type DfaSteps, restricted } from '../../json-schema/regex/dfa.ts'
import { nfaOf } from '../../json-schema/regex/nfa.ts'
import { parseRegex } from '../../json-schema/regex/parse.ts'
import type { Range, Shape } from './shape.ts'
import { WRITTEN } from './pattern-rules.ts'

/** What a grammar counts to at most; larger upper bounds are narrowed to it, which still validates. */
const MAX_COUNT = 1000

type Fields = Readonly<Record<string, unknown>>

/** An array and how many items it has. */
export function arrayOf(fields: Fields, items: Shape): Shape {
  const [min, max] = counts(fields, 'minItems', 'maxItems')
  return { kind: 'array', items, min, max }
}

/** A string with its length and pattern, or of a format. */
export function stringOf(fields: Fields, steps: DfaSteps): Shape {
  const [min, max] = counts(fields, 'minLength', 'maxLength')
  const { format, pattern } = fields
  if (pattern !== undefined) {
    if (format !== undefined) throw unsupported('keyword format with a pattern')
    return { kind: 'string', min, max, automaton: automatonOf(pattern, min, max, steps) }
  }
  if (format === undefined) return { kind: 'string', min, max }
  if (typeof format !== 'string' || !FORMATS.includes(format))
    throw unsupported(`keyword format, but for ${FORMATS.join(', ')},`)
  if (min > 0 || max !== undefined) throw unsupported('keyword format with a length')
  return { kind: 'string', min, max, format: format as StringFormat }
}

/** @throws `ENGINE_UNSUPPORTED` naming what of the pattern, `ENGINE_INPUT` for one that nothing matches */
function automatonOf(pattern: unknown, min: number, max: number | undefined, steps: DfaSteps): Dfa {
  if (typeof pattern !== 'string') throw refused('pattern is no regular expression')
  const own = dfaOf(nfaOf(parseRegex(pattern)), steps)
  const isBounded = min > 0 || max !== undefined
  const automaton = restricted(isBounded ? both(own, dfaOfLength(min, max), steps) : own, WRITTEN)
  if (automaton.length === 0) throw refused('pattern matches no text that can be written')
  return automaton
}

/** An integer between bounds, if there are any. */
export function integerOf(fields: Fields): Shape {
  const bound = (key: string, round: (value: number) => number): number | undefined => {
    const value = numberAt(fields, key)
    return value === undefined ? undefined : round(value)
  }
  const low = largest(
    bound('minimum', Math.ceil),
    bound('exclusiveMinimum', (value) => Math.floor(value) + 1),
  )
  const high = smallest(
    bound('maximum', Math.floor),
    bound('exclusiveMaximum', (value) => Math.ceil(value) - 1),
  )
  const range = rangeOf(low, high)
  return { kind: 'integer', ...(range && { range }) }
}

/** A number between whole bounds, if there are any. */
export function numberOf(fields: Fields): Shape {
  const low = numberAt(fields, 'minimum')
  const high = numberAt(fields, 'maximum')
  for (const bound of [low, high])
    if (bound !== undefined && !Number.isInteger(bound))
      throw unsupported('a bound of a number that is not whole')
  const range = rangeOf(low, high)
  return { kind: 'number', ...(range && { range }) }
}

function rangeOf(low: number | undefined, high: number | undefined): Range | undefined {
  if (low === undefined && high === undefined) return undefined
  const range = {
    low: Math.max(low ?? -Infinity, Number.MIN_SAFE_INTEGER),
    high: Math.min(high ?? Infinity, Number.MAX_SAFE_INTEGER),
  }
  if (range.low > range.high) throw refused('no number is within the bounds')
  return range
}

function counts(fields: Fields, low: string, high: string): [number, number | undefined] {
  const min = numberAt(fields, low) ?? 0
  const max = numberAt(fields, high)
  if (
    !Number.isSafeInteger(min) ||
    min < 0 ||
    (max !== undefined && (!Number.isSafeInteger(max) || max < min))
  )
    throw refused(`${low} or ${high} is malformed`)
  if (min > MAX_COUNT) throw unsupported(`keyword ${low} above ${MAX_COUNT}`)
  return [min, max === undefined ? undefined : Math.min(max, MAX_COUNT)]
}

function numberAt(fields: Fields, key: string): number | undefined {
  const value = fields[key]
  if (value === undefined) return undefined
  if (typeof value !== 'number' || !Number.isFinite(value)) throw refused(`${key} is not a number`)
  return value
}

function largest(...values: (number | undefined)[]): number | undefined {
  const given = values.filter((value) => value !== undefined)
  return given.length === 0 ? undefined : Math.max(...given)
}

function smallest(...values: (number | undefined)[]): number | undefined {
  const given = values.filter((value) => value !== undefined)
  return given.length === 0 ? undefined : Math.min(...given)
}
