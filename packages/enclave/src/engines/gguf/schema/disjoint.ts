import { both, restricted } from '../../json-schema/regex/dfa.ts'
import { EVERY } from '../../json-schema/regex/ranges.ts'
import type { SchemaBudget } from '../../json-schema/budget.ts'
import { unsupported } from '../../json-schema/refusals.ts'
import { isSame } from '../../json-schema/same.ts'
import { beginningOf, FIRST } from './ambiguity.ts'
import type { ParsedSchema, Shape } from './shape.ts'

const MAX_ALTERNATIVES = 256
/** How deep two shapes are compared. */
const MAX_DEPTH = 16
/** Two patterns weigh as many pairs. */
const AUTOMATON_PAIRS = 5000
/** So many comparisons of two literals, or characters of them, weigh as one pair. */
const LITERALS_A_PAIR = 50

/**
 * Refuses `oneOf` with alternatives that one answer could fit at the same time: a grammar writes one of them, and cannot
 * see whether it fits another too. @throws `ENGINE_UNSUPPORTED`
 */
export function refuseOverlaps({ root, definitions }: ParsedSchema, budget: SchemaBudget): void {
  const comparison: Comparison = { definitions, budget, beginnings: new Map() }
  const walk = (shape: Shape): void => {
    switch (shape.kind) {
      case 'array':
        return walk(shape.items)
      case 'map':
        return walk(shape.values)
      case 'object':
        return shape.properties.forEach((property) => walk(property.shape))
      case 'union':
        if (shape.isExclusive === true) requireDisjoint(shape.of, comparison)
        return shape.of.forEach((one) => walk(one))
      default:
    }
  }
  walk(root)
  for (const shape of definitions.values()) walk(shape)
}

interface Comparison extends Pick<ParsedSchema, 'definitions'> {
  readonly budget: SchemaBudget
  /** Of lists of literals that were looked at: each is, once, however many pairs it stands in. */
  readonly beginnings: Map<Shape, readonly string[]>
}

function requireDisjoint(shapes: readonly Shape[], comparison: Comparison): void {
  if (shapes.length > MAX_ALTERNATIVES)
    throw unsupported(`keyword oneOf with more than ${MAX_ALTERNATIVES} alternatives`)
  for (const [at, one] of shapes.entries())
    for (const other of shapes.slice(at + 1))
      if (!avoids(one, other, comparison) || !avoids(other, one, comparison))
        throw unsupported('keyword oneOf with alternatives that one answer could fit both')
}

/** Whether no answer of the grammar of `a` is of the schema `b`. */
function avoids(a: Shape, b: Shape, comparison: Comparison, depth = 0): boolean {
  const { definitions, budget } = comparison
  if (depth > MAX_DEPTH || !budget.compare(1)) return false
  const again = (one: Shape, other: Shape): boolean => avoids(one, other, comparison, depth + 1)
  if (a.kind === 'ref') return again(definitions.get(a.pointer)!, b)
  if (b.kind === 'ref') return again(a, definitions.get(b.pointer)!)
  if (a.kind === 'union') return a.of.every((one) => again(one, b))
  if (b.kind === 'union') return b.of.every((one) => again(a, one))
  if (a.kind === 'any' || b.kind === 'any') return false
  if (a.kind === 'literals' && b.kind === 'literals') {
    const weight = a.texts.length * b.texts.length + sizeOf(a.texts) + sizeOf(b.texts)
    if (!budget.compare(weight / LITERALS_A_PAIR)) return false
    const [left, right] = [a.texts, b.texts].map((texts) => texts.map((text): unknown => JSON.parse(text)))
    return left!.every((one) => !right!.some((other) => isSame(one, other)))
  }
  const [left, right] = [beginningsOf(a, comparison), beginningsOf(b, comparison)]
  if (left.every((first) => !right.includes(first))) return true
  if (a.kind === 'array' && b.kind === 'array')
    return (
      a.min > (b.max ?? Infinity) ||
      b.min > (a.max ?? Infinity) ||
      ((a.min > 0 || b.min > 0) && again(a.items, b.items))
    )
  if (a.kind === 'string' && b.kind === 'string') {
    if (a.min > (b.max ?? Infinity) || b.min > (a.max ?? Infinity)) return true
    if (a.automaton === undefined || b.automaton === undefined) return false
    if (!budget.compare(AUTOMATON_PAIRS)) return false
    return restricted(both(a.automaton, b.automaton, budget.steps), EVERY).length === 0
  }
  if ('range' in a && a.range && 'range' in b && b.range)
    return a.range.low > b.range.high || b.range.low > a.range.high
  return a.kind === 'object' && avoidsObject(a, b, again)
}

/** An answer has the properties that `a` names, those that are required for sure, and no others. */
function avoidsObject(
  a: Extract<Shape, { kind: 'object' }>,
  b: Shape,
  again: (one: Shape, other: Shape) => boolean,
): boolean {
  const required = a.properties.filter(({ isRequired }) => isRequired)
  if (b.kind === 'map') return required.some(({ shape }) => again(shape, b.values))
  if (b.kind !== 'object') return false
  const named = new Map(b.properties.map((property) => [property.name, property.shape]))
  return (
    b.properties.some(
      ({ name, isRequired }) => isRequired && !a.properties.some((own) => own.name === name),
    ) ||
    required.some(({ name, shape }) => {
      const other = named.get(name)
      return other === undefined ? b.isClosed : again(shape, other)
    })
  )
}

function sizeOf(texts: readonly string[]): number {
  return texts.reduce((size, text) => size + text.length, 0)
}

/** What its texts may begin with, another for each type of JSON. Nothing is parsed, however long a literal is. */
function beginningsOf(
  shape: Extract<Shape, { kind: keyof typeof FIRST | 'literals' }>,
  { beginnings }: Comparison,
): readonly string[] {
  if (shape.kind !== 'literals') return [FIRST[shape.kind]]
  let found = beginnings.get(shape)
  if (found === undefined)
    beginnings.set(shape, (found = [...new Set(shape.texts.map((text) => beginningOf(text)))]))
  return found
}
