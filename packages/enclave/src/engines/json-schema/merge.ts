import { SchemaBudget } from './budget.ts'
import { Compiler } from './check.ts'
import { ANNOTATIONS, sayable } from './keywords.ts'
import { MAX_DEPTH } from './limits.ts'
import { type Fields, isFields, lookUp } from './pointer.ts'
import { refused, unsupported } from './refusals.ts'
import { isSame } from './same.ts'

const LARGER: readonly string[] = ['minimum', 'exclusiveMinimum', 'minLength', 'minItems']
const SMALLER: readonly string[] = ['maximum', 'exclusiveMaximum', 'maxLength', 'maxItems']
const UNIONS = ['anyOf', 'oneOf'] as const

/**
 * Writes what has to hold at the same time, `allOf` and keywords beside `$ref`, `anyOf` and `oneOf`, as one schema
 * without them that means the same. Nothing is approximated: what has no such form is refused by name.
 */
export class Merger {
  private readonly document: unknown
  private readonly budget: SchemaBudget
  /** One for all merges: what many of them refer to is compiled once. */
  private readonly compiler: Compiler

  /** @param budget shared by all schemas of a request */
  constructor(document: unknown, budget: SchemaBudget = new SchemaBudget()) {
    this.document = document
    this.budget = budget
    this.compiler = new Compiler(document, budget.size)
  }

  /**
   * A schema whose keywords need no merging any more; false where nothing fits. Of what is below it only what was
   * merged is in that form. @throws `ENGINE_UNSUPPORTED`, `ENGINE_INPUT`
   */
  flat(schema: unknown, depth = 0): unknown {
    this.budget.merge()
    if (depth > MAX_DEPTH) throw refused('schema is too deep or too large')
    if (!isFields(schema)) return schema
    const kept = Object.entries(schema).filter(([key]) => !ANNOTATIONS.includes(key))
    const first = (['$ref', 'allOf', ...UNIONS] as const).find((key) => Object.hasOwn(schema, key))
    if (first === undefined) return schema
    const rest = Object.fromEntries(kept.filter(([key]) => key !== first))
    if (first === '$ref')
      return this.flat(this.merge(lookUp(this.document, schema['$ref']), rest, depth), depth + 1)
    const parts = schemasOf(schema, first)
    if (first === 'allOf') {
      const all = parts.reduce((merged, part) => this.merge(merged, part, depth), rest as unknown)
      return this.flat(all, depth + 1)
    }
    if (Object.keys(rest).length === 0) return { [first]: parts }
    return this.distribute(first, parts, rest, depth)
  }

  /** Whether a schema needs {@link flat}: keywords stand beside others that say all by themselves. */
  static needs(schema: Fields): boolean {
    if (Object.hasOwn(schema, 'allOf')) return true
    const kept = Object.keys(schema).filter((key) => !ANNOTATIONS.includes(key))
    return kept.length > 1 && ['$ref', ...UNIONS].some((key) => Object.hasOwn(schema, key))
  }

  private merge(a: unknown, b: unknown, depth: number): unknown {
    if (a === false || b === false) return false
    if (isEmpty(a)) return b
    if (isEmpty(b) || isSame(a, b)) return a
    const [left, right] = [this.flat(a, depth + 1), this.flat(b, depth + 1)]
    if (left === false || right === false) return false
    if (!isFields(left) || !isFields(right)) return this.merge(left, right, depth + 1)
    for (const [one, other] of [
      [left, right],
      [right, left],
    ] as const)
      for (const key of UNIONS)
        if (Object.hasOwn(one, key)) return this.distribute(key, schemasOf(one, key), other, depth)
    for (const [one, other] of [
      [left, right],
      [right, left],
    ] as const)
      if (Object.hasOwn(one, 'enum') || Object.hasOwn(one, 'const')) return this.values(one, other)
    return this.keywords(left, right, depth)
  }

  /** Each alternative together with what stands beside them: (a or b) and c is a and c, or b and c. */
  private distribute(
    key: 'anyOf' | 'oneOf',
    parts: readonly unknown[],
    rest: unknown,
    depth: number,
  ): unknown {
    const merged = parts.map((part) => this.merge(part, rest, depth + 1)).filter((part) => part !== false)
    return merged.length === 0 ? false : { [key]: merged }
  }

  /** Of the values of one those that the other allows too. */
  private values(one: Fields, other: Fields): unknown {
    const { compiler, budget } = this
    const [own, also] = [compiler.part(one), compiler.part(other)]
    const values = Object.hasOwn(one, 'const') ? [one['const']] : one['enum']
    if (!Array.isArray(values)) throw refused('enum is not a list')
    const fitting = values.filter(
      (value) => own(value, budget.effort) === undefined && also(value, budget.effort) === undefined,
    )
    return fitting.length === 0 ? false : { enum: fitting }
  }

  private keywords(a: Fields, b: Fields, depth: number): unknown {
    const merged: Record<string, unknown> = {}
    for (const key of new Set([...Object.keys(a), ...Object.keys(b)])) {
      if (ANNOTATIONS.includes(key) || key === 'properties' || key === 'additionalProperties') continue
      const [left, right] = [a[key], b[key]]
      if (left === undefined || right === undefined || isSame(left, right)) merged[key] = left ?? right
      else if (key === 'type') {
        const types = commonTypes([left].flat(), [right].flat())
        if (types.length === 0) return false
        merged[key] = types.length === 1 ? types[0] : types
      } else if (key === 'required') merged[key] = [...new Set([left, right].flat())]
      else if (key === 'items') merged[key] = this.merge(left, right, depth + 1)
      else if (LARGER.includes(key)) merged[key] = Math.max(left as number, right as number)
      else if (SMALLER.includes(key)) merged[key] = Math.min(left as number, right as number)
      else throw unsupported(`${sayable(key)} twice in allOf`)
    }
    return { ...merged, ...this.properties(a, b, depth) }
  }

  /** A property that only one of them names is of the others' `additionalProperties` too. */
  private properties(a: Fields, b: Fields, depth: number): object {
    const [left, right] = [a['properties'] ?? {}, b['properties'] ?? {}]
    if (!isFields(left) || !isFields(right)) throw refused('properties or required are malformed')
    const [leftRest, rightRest] = [a['additionalProperties'] ?? true, b['additionalProperties'] ?? true]
    const names = [...new Set([...Object.keys(left), ...Object.keys(right)])]
    const of = (named: Fields, rest: unknown, name: string): unknown =>
      Object.hasOwn(named, name) ? named[name] : rest
    const properties = names.map((name) => [
      name,
      this.merge(of(left, leftRest, name), of(right, rightRest, name), depth + 1),
    ])
    const rest = this.merge(leftRest, rightRest, depth + 1)
    return {
      ...(properties.length > 0 && { properties: Object.fromEntries(properties) as object }),
      ...(!isEmpty(rest) && { additionalProperties: rest }),
    }
  }
}

function commonTypes(a: readonly unknown[], b: readonly unknown[]): unknown[] {
  const common = a.flatMap((type) => {
    if (b.includes(type)) return [type]
    const isWhole =
      (type === 'integer' && b.includes('number')) || (type === 'number' && b.includes('integer'))
    return isWhole ? ['integer'] : []
  })
  return [...new Set(common)]
}

function schemasOf(schema: Fields, key: string): readonly unknown[] {
  const given = schema[key]
  if (!Array.isArray(given) || given.length === 0) throw refused(`${key} is not a list of schemas`)
  return given
}

/** Whether a schema says nothing about values. */
function isEmpty(schema: unknown): boolean {
  return (
    schema === true || (isFields(schema) && Object.keys(schema).every((key) => ANNOTATIONS.includes(key)))
  )
}
