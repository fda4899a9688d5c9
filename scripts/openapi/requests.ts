import { z } from 'zod'
import { type FieldNote, fieldNotes } from '../../packages/enclave/src/api/openai/fields.ts'
import type { Schema } from './types.ts'

/**
 * What a list holds that the API checks with a function of its own, which has no form in JSON Schema. Found by what
 * the function's error says; a new one has to be described here.
 */
const LISTS: Readonly<Record<string, { items: Schema; sample: unknown }>> = {
  'not a list of token ids': { items: { type: 'integer', minimum: 0 }, sample: 1 },
  'not a list of texts': { items: { type: 'string' }, sample: 'a' },
  'not a list of up to 16 texts': { items: { type: 'string' }, sample: 'a' },
  'not a list of lists of token ids': {
    items: { type: 'array', minItems: 1, items: { type: 'integer', minimum: 0 } },
    sample: [1],
  },
  'not a list of content parts': {
    items: {
      type: 'object',
      properties: {
        type: { type: 'string', enum: ['text', 'refusal', 'input_text', 'output_text'] },
        text: { type: 'string' },
        refusal: { type: 'string' },
      },
      required: ['type'],
    },
    sample: { type: 'text', text: 'a' },
  },
  'not a list of at most 128 calls': {
    items: {
      type: 'object',
      properties: {
        id: { type: 'string', pattern: '^[\\w-]{1,64}$' },
        type: { const: 'function' },
        function: {
          type: 'object',
          properties: { name: { type: 'string' }, arguments: { type: 'string' } },
          required: ['name', 'arguments'],
        },
      },
      required: ['id', 'type', 'function'],
    },
    sample: 1,
  },
  'not a list of at most 128 tools': {
    items: {
      type: 'object',
      description: 'Chat has the function inside `function`, Responses beside `type`.',
      properties: {
        type: { const: 'function' },
        function: { $ref: '#/components/schemas/Function' },
        name: { type: 'string', pattern: '^[\\w-]{1,64}$' },
        description: { type: ['string', 'null'] },
        parameters: { type: ['object', 'null'] },
      },
      required: ['type'],
    },
    sample: 1,
  },
  'not a list of at most 128 functions': { items: { $ref: '#/components/schemas/Function' }, sample: 1 },
}

const OTHERS: Readonly<Record<string, Schema>> = {
  'not token ids with biases from -100 to 100': {
    type: 'object',
    additionalProperties: { type: 'number', minimum: -100, maximum: 100 },
  },
}

/** Lists longer than this are not tried: a bound above it does not show. */
const LONGEST = 5000

/** The body of a route from the schema that reads it: types and bounds from the schema, words from its notes. */
export function requestSchema(body: z.ZodObject): Schema {
  const written = z.toJSONSchema(body, {
    io: 'input',
    unrepresentable: 'any',
    override: ({ zodSchema, jsonSchema }) => {
      if (zodSchema instanceof z.ZodCustom) Object.assign(jsonSchema, customSchema(zodSchema))
    },
  }) as Schema
  const notes = fieldNotes(body)
  const properties = Object.fromEntries(
    Object.entries(written.properties ?? {}).map(([name, schema]) => [name, field(schema, notes.get(name)!)]),
  )
  return { type: 'object', properties, ...(written.required && { required: written.required }) }
}

function field(schema: Schema, { state, note, allowed = [] }: FieldNote): Schema {
  if (state === 'refused')
    return {
      description: `Refused: ${note}.`,
      ...(allowed.length > 0 ? { enum: [...allowed, null] } : { type: 'null' }),
    }
  if (state === 'no effect') return { description: `No effect: ${note}.` }
  // "Below" is a place of docs/api.md.
  const words = note.replace(/, see below$/, '; docs/api.md says more')
  return { ...flat(schema), ...(words !== '' && { description: words }) }
}

/** `anyOf` inside `anyOf` says nothing more. */
function flat(schema: Schema): Schema {
  const { anyOf, items, properties, ...rest } = schema
  const parts = anyOf?.flatMap((part) => {
    const inner = flat(part)
    return inner.anyOf !== undefined && Object.keys(inner).length === 1 ? inner.anyOf : [inner]
  })
  const members =
    properties && Object.entries(properties).map(([name, member]) => [name, flat(member)] as const)
  return {
    ...rest,
    ...(parts && { anyOf: parts }),
    ...(items && { items: flat(items) }),
    ...(members && { properties: Object.fromEntries(members) }),
  }
}

function customSchema(schema: z.ZodType): Schema {
  const message = schema.safeParse(undefined).error?.issues[0]?.message ?? ''
  const other = OTHERS[message]
  if (other !== undefined) return other
  const list = LISTS[message]
  if (list === undefined) throw new Error(`scripts/openapi/requests.ts does not describe: ${message}`)
  return { type: 'array', ...bounds(schema, list.sample), items: list.items }
}

/** How few and how many items a list may have, by trying. */
function bounds(schema: z.ZodType, sample: unknown): Schema {
  const takes = (length: number): boolean => schema.safeParse(Array.from({ length }, () => sample)).success
  const minItems = takes(0) ? 0 : 1
  if (!takes(minItems)) throw new Error('a sample of a list in scripts/openapi/requests.ts is none')
  let [low, high] = [minItems, LONGEST]
  if (takes(high)) return minItems === 0 ? {} : { minItems }
  while (high - low > 1) {
    const middle = (low + high) >> 1
    if (takes(middle)) low = middle
    else high = middle
  }
  return { ...(minItems > 0 && { minItems }), maxItems: low }
}
