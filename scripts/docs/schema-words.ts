import type { Schema } from '../openapi/types.ts'

/** One line of a table of members. */
export interface Row {
  /** With the members it stands in: `choices[].message.content`. */
  readonly name: string
  readonly isRequired: boolean
  readonly type: string
  readonly words: string
}

/** The members of an object, those of objects inside it after it. */
export function rowsOf(schema: Schema, prefix = ''): Row[] {
  const required = new Set(schema.required)
  return Object.entries(schema.properties ?? {}).flatMap(([key, member]) => {
    const name = prefix + key
    const row = {
      name,
      isRequired: required.has(key),
      type: typeWords(member),
      words: member.description ?? '',
    }
    return [row, ...inside(member, name)]
  })
}

function inside(schema: Schema, name: string): Row[] {
  if (schema.properties) return rowsOf(schema, `${name}.`)
  if (schema.items) return inside(schema.items, `${name}[]`)
  // Of alternatives, the ones that have members.
  return (schema.anyOf ?? []).flatMap((one) => inside(one, name))
}

/** What a schema takes, in words. */
export function typeWords(schema: Schema): string {
  if (schema.$ref !== undefined) return `\`${nameOf(schema.$ref)}\``
  if (schema.anyOf) return [...new Set(schema.anyOf.map((one) => typeWords(one)))].join(', or ')
  if ('const' in schema) return code(schema.const)
  if (schema.enum) return schema.enum.map((one) => code(one)).join(', ')
  if (Array.isArray(schema.type)) return (schema.type as string[]).join(' or ')
  switch (schema.type) {
    case 'null':
    case 'boolean':
      return schema.type
    case 'string':
      return `string${lengths(schema)}`
    case 'integer':
    case 'number':
      return schema.type + range(schema)
    case 'array':
      return listWords(schema)
    case 'object':
      return schema.properties
        ? 'object'
        : typeof schema.additionalProperties === 'object'
          ? `object of ${typeWords(schema.additionalProperties)}`
          : 'object'
    default:
      return schema.contentMediaType === undefined ? 'anything' : 'file'
  }
}

/** The component that a reference names. */
export function nameOf(reference: string): string {
  return reference.slice(reference.lastIndexOf('/') + 1)
}

function code(value: unknown): string {
  return `\`${JSON.stringify(value)}\``
}

function lengths({ maxLength, pattern }: Schema): string {
  if (typeof maxLength === 'number') return ` of at most ${maxLength} characters`
  return pattern === undefined ? '' : ` that matches \`${pattern.replaceAll('|', '\\|')}\``
}

function range(schema: Schema): string {
  const { minimum, maximum, exclusiveMinimum } = schema as Record<string, number | undefined>
  const low = exclusiveMinimum === undefined ? minimum : undefined
  // The largest integers that JSON keeps exact say nothing.
  const isBound = (value: number | undefined): boolean =>
    value !== undefined && Math.abs(value) !== Number.MAX_SAFE_INTEGER
  const parts = [
    exclusiveMinimum === undefined ? '' : ` above ${exclusiveMinimum}`,
    isBound(low) ? ` from ${low}` : '',
    isBound(maximum) ? ` to ${maximum}` : '',
  ]
  return parts.join('')
}

function listWords({ minItems, maxItems, items = {} }: Schema): string {
  const many =
    maxItems === undefined
      ? minItems === undefined
        ? ''
        : ', at least one'
      : minItems === undefined
        ? `, at most ${maxItems}`
        : `, ${minItems} to ${maxItems}`
  return `list of ${typeWords(items)}${many}`
}
