/** The keywords the engine offers. */
interface Schema {
  readonly $ref?: string
  readonly anyOf?: readonly Schema[]
  readonly oneOf?: readonly Schema[]
  readonly allOf?: readonly Schema[]
  readonly pattern?: string
  readonly const?: unknown
  readonly enum?: readonly unknown[]
  readonly type?: string | readonly string[]
  readonly minimum?: number
  readonly maximum?: number
  readonly exclusiveMinimum?: number
  readonly exclusiveMaximum?: number
  readonly minLength?: number
  readonly maxLength?: number
  readonly format?: string
  readonly minItems?: number
  readonly maxItems?: number
  readonly items?: Schema | true
  readonly properties?: Readonly<Record<string, Schema>>
  readonly required?: readonly string[]
  readonly additionalProperties?: Schema | boolean
}

/** A plain validator of them, written without a look at how the engine forces them: names of those that are broken. */
export function violations(value: unknown, schema: unknown, root: unknown = schema): string[] {
  if (schema === true) return []
  const s = schema as Schema
  if (s.$ref !== undefined) {
    let target = root
    for (const part of s.$ref.split('/').slice(1)) target = (target as Record<string, unknown>)[part]
    return violations(value, target, root)
  }
  if (s.anyOf !== undefined)
    return s.anyOf.some((one) => violations(value, one, root).length === 0) ? [] : ['anyOf']
  if (
    s.oneOf !== undefined &&
    s.oneOf.filter((one) => violations(value, one, root).length === 0).length !== 1
  )
    return ['oneOf']
  if (s.allOf?.some((one) => violations(value, one, root).length > 0)) return ['allOf']
  const isSame = (one: unknown): boolean => JSON.stringify(one) === JSON.stringify(value)
  if (s.const !== undefined && !isSame(s.const)) return ['const']
  if (s.enum !== undefined && !s.enum.some((one) => isSame(one))) return ['enum']
  if (s.type !== undefined && ![s.type].flat().some((type) => isOf(value, type))) return ['type']
  return [...byType(value, s, root)]
}

function* byType(value: unknown, s: Schema, root: unknown): Generator<string> {
  if (typeof value === 'number') {
    if (value < (s.minimum ?? -Infinity)) yield 'minimum'
    if (value > (s.maximum ?? Infinity)) yield 'maximum'
    if (value <= (s.exclusiveMinimum ?? -Infinity)) yield 'exclusiveMinimum'
    if (value >= (s.exclusiveMaximum ?? Infinity)) yield 'exclusiveMaximum'
  }
  if (typeof value === 'string') {
    const length = [...value].length
    if (length < (s.minLength ?? 0)) yield 'minLength'
    if (length > (s.maxLength ?? Infinity)) yield 'maxLength'
    if (s.pattern !== undefined && !new RegExp(s.pattern, 'u').test(value)) yield 'pattern'
    if (s.format?.startsWith('date') && Number.isNaN(Date.parse(value))) yield 'format'
    if (s.format === 'uuid' && !/^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/.test(value)) yield 'format'
  }
  if (Array.isArray(value)) {
    if (value.length < (s.minItems ?? 0)) yield 'minItems'
    if (value.length > (s.maxItems ?? Infinity)) yield 'maxItems'
    for (const item of value) yield* violations(item, s.items ?? true, root)
  } else if (typeof value === 'object' && value !== null) {
    for (const name of s.required ?? []) if (!Object.hasOwn(value, name)) yield 'required'
    for (const [name, item] of Object.entries(value)) {
      if (s.properties && Object.hasOwn(s.properties, name)) yield* violations(item, s.properties[name], root)
      else if (s.additionalProperties === false) yield 'additionalProperties'
      else yield* violations(item, s.additionalProperties ?? true, root)
    }
  }
}

function isOf(value: unknown, type: string): boolean {
  if (type === 'null') return value === null
  if (type === 'array') return Array.isArray(value)
  if (type === 'object') return typeof value === 'object' && value !== null && !Array.isArray(value)
  if (type === 'integer') return Number.isInteger(value)
  return typeof value === type
}
