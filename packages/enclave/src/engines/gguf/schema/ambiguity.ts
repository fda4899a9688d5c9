import { unsupported } from '../../json-schema/refusals.ts'
import type { ParsedSchema, Shape } from './shape.ts'

/** Readings of one answer that may be open at the same time. Each is followed with every token. */
const MAX_READINGS = 64
const MAX_ROUNDS = 200
/** Literals end soon, so that many of them weigh as one reading. */
const LITERALS_A_READING = 50

/** Readings of each reference, as far as they are known. */
type Readings = Map<string, number>

/**
 * Refuses a schema under which a text could be read in ever more ways at once: llama.cpp follows all of them, so that a
 * few brackets of `t = anyOf(list of t, other list of t)` would take all memory, whoever else is served beside. Of
 * alternatives that begin alike, readings add up, and a pattern has as many as moves lead out of one of its states;
 * objects that a first constant tells apart are one by then.
 *
 * @throws `ENGINE_UNSUPPORTED`
 */
export function refuseAmbiguity({ root, definitions }: ParsedSchema): void {
  const readings: Readings = new Map()
  for (let round = 0; round < MAX_ROUNDS; round++) {
    let isStable = true
    for (const [pointer, shape] of definitions) {
      const found = bounded(readingsOf(shape, readings, definitions))
      isStable &&= found === (readings.get(pointer) ?? 1)
      readings.set(pointer, found)
    }
    if (isStable) {
      bounded(readingsOf(root, readings, definitions))
      return
    }
  }
  throw tooMany()
}

function bounded(count: number): number {
  if (count > MAX_READINGS) throw tooMany()
  return count
}

function tooMany(): Error {
  return unsupported(
    'so many ways to read one answer (alternatives of anyOf that begin alike, or of a pattern, over and over or too often)',
  )
}

function readingsOf(shape: Shape, known: Readings, definitions: ParsedSchema['definitions']): number {
  const of = (one: Shape): number => readingsOf(one, known, definitions)
  switch (shape.kind) {
    case 'ref':
      return known.get(shape.pointer) ?? 1
    case 'array':
      return of(shape.items)
    case 'map':
      return of(shape.values)
    case 'object':
      return Math.max(1, ...shape.properties.map((property) => of(property.shape)))
    case 'string':
      return Math.max(1, ...(shape.automaton ?? []).map(({ moves }) => moves.length))
    case 'literals':
      return Math.ceil(shape.texts.length / LITERALS_A_READING)
    case 'union':
      return isDiscriminated(shape.of, definitions)
        ? Math.max(Math.ceil(shape.of.length / LITERALS_A_READING), ...shape.of.map((one) => of(one)))
        : Math.max(
            ...BEGINNINGS.map((first) =>
              sum(shape.of.filter(begins(first, definitions)).map((one) => of(one))),
            ),
          )
    default:
      return 1
  }
}

const BEGINNINGS = ['{', '[', '"', '0', 't', 'n'] as const

/** What may begin a text of a shape. */
function begins(
  first: (typeof BEGINNINGS)[number],
  definitions: ParsedSchema['definitions'],
): (shape: Shape) => boolean {
  const test = (shape: Shape): boolean => {
    switch (shape.kind) {
      case 'any':
        return true
      case 'ref':
        return test(definitions.get(shape.pointer)!)
      case 'union':
        return shape.of.some((one) => test(one))
      case 'literals':
        return shape.texts.some((text) => beginningOf(text) === first)
      default:
        return FIRST[shape.kind] === first
    }
  }
  return test
}

/** What a text of a shape begins with. Of numbers `0` stands for all, of booleans `t`. */
export const FIRST = {
  object: '{',
  map: '{',
  array: '[',
  string: '"',
  integer: '0',
  number: '0',
  boolean: 't',
  null: 'n',
} as const

/** What of {@link FIRST} a JSON text begins with. */
export function beginningOf(text: string): string {
  const first = text[0] ?? ''
  if (/[-\d]/.test(first)) return '0'
  return first === 'f' ? 't' : first
}

/** Objects whose first property must be there and is a constant, another in each. */
function isDiscriminated(shapes: readonly Shape[], definitions: ParsedSchema['definitions']): boolean {
  const constants = shapes.map((shape) => firstConstant(shape, definitions))
  return new Set(constants).size === shapes.length && !constants.includes(undefined)
}

function firstConstant(shape: Shape, definitions: ParsedSchema['definitions']): string | undefined {
  if (shape.kind === 'ref') return firstConstant(definitions.get(shape.pointer)!, definitions)
  const first = shape.kind === 'object' ? shape.properties[0] : undefined
  if (!first?.isRequired || first.shape.kind !== 'literals' || first.shape.texts.length !== 1)
    return undefined
  return `${JSON.stringify(first.name)}:${first.shape.texts[0]}`
}

function sum(counts: readonly number[]): number {
  return counts.reduce((total, count) => total + count, 0)
}
