import { refuseAmbiguity } from './ambiguity.ts'
import { SchemaBudget } from '../../json-schema/budget.ts'
import { ANNOTATIONS, sayable } from '../../json-schema/keywords.ts'
import { MAX_DEPTH, requireBounded } from '../../json-schema/limits.ts'
import { Merger } from '../../json-schema/merge.ts'
import { type Fields, isFields, lookUp } from '../../json-schema/pointer.ts'
import { isOfType, isSame } from '../../json-schema/same.ts'
import { refuseOverlaps } from './disjoint.ts'
import { OFFERED } from './keywords.ts'
import { arrayOf, integerOf, numberOf, stringOf } from './bounds.ts'
import { refused, unsupported } from '../../json-schema/refusals.ts'
import type { ParsedSchema, Property, Shape } from './shape.ts'

/** Bounds of a schema a client sends. What a grammar makes of it is a small multiple. */
const MAX_SCHEMAS = 2000
const MAX_LITERALS = 1000
const MAX_PROPERTIES = 256

/**
 * Reads a JSON Schema that a client controls, to the subset a grammar can force: whatever it reads, an answer of that
 * grammar validates against. Properties come in the order of the schema; of an object that names properties no others
 * come, whatever `additionalProperties` allows.
 *
 * @param budget shared by all schemas of a request
 * @throws `ENGINE_UNSUPPORTED` naming the keyword, `ENGINE_INPUT` for what is no schema or allows nothing
 */
export function parseSchema(schema: unknown, budget: SchemaBudget = new SchemaBudget()): ParsedSchema {
  requireBounded(schema)
  const parser = new Parser(schema, budget)
  const root = parser.shape(schema, 0)
  parser.resolveAll()
  const parsed = { root, definitions: parser.definitions }
  refuseEndlessReferences(root, parser.definitions)
  refuseAmbiguity(parsed)
  refuseOverlaps(parsed, budget)
  return parsed
}

class Parser {
  readonly definitions = new Map<string, Shape>()
  private readonly document: unknown
  private readonly budget: SchemaBudget
  private readonly merger: Merger
  private readonly wanted: string[] = []
  private count = 0

  constructor(document: unknown, budget: SchemaBudget) {
    this.document = document
    this.budget = budget
    this.merger = new Merger(document, budget)
  }

  /** Parses what references name, and what those name. */
  resolveAll(): void {
    for (let pointer = this.wanted.shift(); pointer !== undefined; pointer = this.wanted.shift())
      if (!this.definitions.has(pointer))
        this.definitions.set(pointer, this.shape(lookUp(this.document, pointer), 0))
  }

  shape(value: unknown, depth: number): Shape {
    if (depth > MAX_DEPTH || ++this.count > MAX_SCHEMAS) throw refused('schema is too deep or too large')
    if (value === true) return { kind: 'any' }
    if (value === false) throw refused('a schema that allows nothing')
    if (!isFields(value)) throw refused('schema is not an object')
    if (Merger.needs(value)) return this.shape(this.merger.flat(value), depth + 1)
    const given = Object.keys(value).filter((key) => !ANNOTATIONS.includes(key))
    if (given.length === 0) return { kind: 'any' }
    const kind = (['$ref', 'anyOf', 'oneOf', 'const', 'enum'] as const).find((key) =>
      Object.hasOwn(value, key),
    )
    if (kind !== undefined) requireOffered(given, OFFERED[kind])
    switch (kind) {
      case '$ref':
        return this.reference(value['$ref'])
      case 'anyOf':
        return { kind: 'union', of: this.alternatives(value['anyOf'], kind, depth) }
      case 'oneOf':
        return { kind: 'union', of: this.alternatives(value['oneOf'], kind, depth), isExclusive: true }
      case 'const':
        return literals([value['const']], value['type'])
      case 'enum':
        return literals(value['enum'], value['type'])
      default:
        return this.typed(value, given, depth)
    }
  }

  private reference(pointer: unknown): Shape {
    lookUp(this.document, pointer)
    this.wanted.push(pointer as string)
    return { kind: 'ref', pointer: pointer as string }
  }

  private alternatives(schemas: unknown, keyword: string, depth: number): Shape[] {
    if (!Array.isArray(schemas) || schemas.length === 0) throw refused(`${keyword} is not a list of schemas`)
    return schemas.map((schema) => this.shape(schema, depth + 1))
  }

  private typed(fields: Fields, given: readonly string[], depth: number): Shape {
    const types: unknown[] = Array.isArray(fields['type'])
      ? fields['type']
      : [fields['type'] ?? impliedType(fields)]
    if (types.length === 0) throw refused('type is empty')
    requireOffered(
      given,
      types.flatMap((type) => offeredFor(type)),
    )
    const shapes = types.map((type) => this.ofType(type, fields, depth))
    return shapes.length === 1 ? shapes[0]! : { kind: 'union', of: shapes }
  }

  private ofType(type: unknown, fields: Fields, depth: number): Shape {
    switch (type) {
      case 'object':
        return this.object(fields, depth)
      case 'array':
        if (fields['items'] === false) return arrayOf({ ...fields, maxItems: 0 }, { kind: 'any' })
        return arrayOf(
          fields,
          fields['items'] === undefined ? { kind: 'any' } : this.shape(fields['items'], depth + 1),
        )
      case 'string':
        if (fields['pattern'] !== undefined) this.budget.pattern()
        return stringOf(fields, this.budget.steps)
      case 'integer':
        return integerOf(fields)
      case 'number':
        return numberOf(fields)
      default:
        return { kind: type as 'boolean' | 'null' }
    }
  }

  private object(fields: Fields, depth: number): Shape {
    const { properties = {}, required = [], additionalProperties: rest = true } = fields
    if (
      !isFields(properties) ||
      !Array.isArray(required) ||
      required.some((name) => typeof name !== 'string')
    )
      throw refused('properties or required are malformed')
    if (Object.keys(properties).length + required.length > 2 * MAX_PROPERTIES)
      throw unsupported(`an object with more than ${MAX_PROPERTIES} properties`)
    const forbidden = Object.keys(properties).filter((name) => properties[name] === false)
    if (forbidden.some((name) => required.includes(name)))
      throw refused('required names a property that may not be there')
    const offered = Object.entries(properties).filter(([, schema]) => schema !== false)
    const named: Property[] = offered.map(([name, schema]) => ({
      name,
      shape: this.shape(schema, depth + 1),
      isRequired: required.includes(name),
    }))
    const others = new Set((required as string[]).filter((name) => !Object.hasOwn(properties, name)))
    if (others.size > 0 && rest === false) throw refused('required names a property that may not be there')
    if (rest !== false) {
      const values = this.shape(rest, depth + 1)
      // Of a map with names that may not be there, none is written.
      if (named.length === 0 && others.size === 0 && forbidden.length === 0) return { kind: 'map', values }
      for (const name of others) named.push({ name, shape: values, isRequired: true })
    }
    return { kind: 'object', properties: named, isClosed: rest === false }
  }
}

function offeredFor(type: unknown): readonly string[] {
  if (
    typeof type !== 'string' ||
    !['object', 'array', 'string', 'integer', 'number', 'boolean', 'null'].includes(type)
  )
    throw refused('type is not a type of JSON Schema')
  return OFFERED[type as 'object']
}

/** Schemas without `type` mostly mean the type their keywords speak of; all others would be allowed too. */
function impliedType(fields: Fields): string {
  if (Object.hasOwn(fields, 'properties')) return 'object'
  if (Object.hasOwn(fields, 'items')) return 'array'
  requireOffered(
    Object.keys(fields).filter((key) => !ANNOTATIONS.includes(key)),
    Object.values(OFFERED).flat(),
  )
  throw unsupported('a schema without type')
}

function literals(values: unknown, type: unknown): Shape {
  if (!Array.isArray(values) || values.length > MAX_LITERALS)
    throw refused('enum is not a list of at most 1000')
  const types = type === undefined ? undefined : [type].flat()
  const fitting = values.filter((value) => types === undefined || types.some((name) => isOfType(value, name)))
  if (fitting.length === 0) throw refused('enum or const allows nothing')
  const texts = fitting.map((value) => JSON.stringify(value))
  // JSON.parse reads 1e400 as infinity, which is written as null: a value the schema does not have.
  if (texts.some((text, index) => !isSame(JSON.parse(text), fitting[index])))
    throw unsupported('enum or const with a number that cannot be written')
  return { kind: 'literals', texts: [...new Set(texts)] }
}

/** A reference that comes back to itself before a bracket opens would never produce a character. */
function refuseEndlessReferences(root: Shape, definitions: ReadonlyMap<string, Shape>): void {
  const finished = new Set<string>()
  const walk = (shape: Shape, path: readonly string[]): void => {
    if (shape.kind === 'union') for (const one of shape.of) walk(one, path)
    if (shape.kind !== 'ref' || finished.has(shape.pointer)) return
    if (path.includes(shape.pointer)) throw refused('a $ref leads back to itself')
    walk(definitions.get(shape.pointer)!, [...path, shape.pointer])
    finished.add(shape.pointer)
  }
  walk(root, [])
  for (const shape of definitions.values()) walk(shape, [])
}

function requireOffered(given: readonly string[], offered: readonly string[]): void {
  const other = given.find((key) => !offered.includes(key))
  if (other !== undefined) throw unsupported(sayable(other))
}
