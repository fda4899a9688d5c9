import type { JsonReader } from './json-reader.ts'
import { unsupported } from '../openai/errors.ts'
import { invalid } from './errors.ts'
import { MAX_PARAMETERS } from './limits.ts'

/** Parameters of a request, an input or an output: numbers, strings and truth values by name. */
export type Parameters = ReadonlyMap<string, number | string | boolean>

const QUOTE = 0x22
const MINUS = 0x2d
const ZERO = 0x30
const NINE = 0x39

/**
 * Reads `parameters`, of which only the named ones are offered; every other is refused by name, because what a
 * parameter asks for must not be left out in silence.
 */
export function readParameters(reader: JsonReader, field: string, offered: readonly string[]): Parameters {
  const found = new Map<string, number | string | boolean>()
  reader.object((name) => {
    if (found.size >= MAX_PARAMETERS) throw invalid(field, `at most ${MAX_PARAMETERS} parameters`)
    if (!offered.includes(name))
      throw unsupported(field, `${field}: this server has no such parameter; it has ${offered.join(', ')}`)
    found.set(name, scalar(reader))
  })
  return found
}

/** The truth value of a parameter. @throws `API_INVALID` */
export function flag(parameters: Parameters, name: string, field: string): boolean | undefined {
  const value = parameters.get(name)
  if (value === undefined || typeof value === 'boolean') return value
  throw invalid(`${field}.${name}`, 'expected true or false')
}

/** The size a parameter states. @throws `API_INVALID` */
export function size(parameters: Parameters, name: string, field: string): number | undefined {
  const value = parameters.get(name)
  if (value === undefined || (Number.isSafeInteger(value) && (value as number) >= 0))
    return value as number | undefined
  throw invalid(`${field}.${name}`, 'expected a number of bytes')
}

function scalar(reader: JsonReader): number | string | boolean {
  const code = reader.peek()
  if (code === QUOTE) return reader.string()
  if (code === MINUS || (code >= ZERO && code <= NINE)) return Number(reader.number())
  return reader.boolean()
}
