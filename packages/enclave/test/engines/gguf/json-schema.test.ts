import { describe, expect, it } from 'vitest'
import { parseSchema } from '../../../src/engines/gguf/schema/parse.ts'
import { GrammarWriter } from '../../../src/engines/gguf/schema/gbnf.ts'
import { codeOf } from '../host/fake-model.ts'

const parse = async (schema: unknown): Promise<unknown> => parseSchema(schema)
const messageOf = async (schema: unknown): Promise<string> =>
  parse(schema).then(
    () => 'no error',
    (error: Error) => error.message,
  )
const object = (properties: object): object => ({ type: 'object', properties })

describe('a schema', () => {
  it.each([
    ['pattern with a look around', object({ a: { type: 'string', pattern: '(?=x)' } })],
    ['pattern that asks for so much', { type: 'string', pattern: '(a|b)*a(a|b){12}' }],
    ['format with a pattern', { type: 'string', format: 'date', pattern: '^2' }],
    ['multipleOf', { type: 'number', multipleOf: 2 }],
    ['uniqueItems', { type: 'array', uniqueItems: true }],
    ['prefixItems', { type: 'array', prefixItems: [] }],
    ['pattern twice in allOf', { type: 'string', pattern: 'a', allOf: [{ pattern: 'b' }] }],
    ['oneOf with alternatives', { oneOf: [{ type: 'string' }, { type: 'string', minLength: 2 }] }],
    ['oneOf with alternatives', { oneOf: [object({ a: true }), object({ b: true })] }],
    ['not', { type: 'string', not: {} }],
    ['if', { type: 'object', if: {} }],
    ['patternProperties', { type: 'object', patternProperties: {} }],
    ['minProperties', { type: 'object', minProperties: 1 }],
    ['exclusiveMinimum', { type: 'number', exclusiveMinimum: 1 }],
    ['minLength', { enum: ['a'], minLength: 1 }],
    ['minLength', { type: 'string', minLength: 1001 }],
    ['format', { type: 'string', format: 'email' }],
  ])('with %s is refused by its name, never with it ignored', async (keyword, schema) => {
    expect(await codeOf(parse(schema))).toBe('ENGINE_UNSUPPORTED')
    expect(await messageOf(schema)).toContain(`keyword ${keyword}`)
  })

  it('says no word that only its author knows', async () => {
    expect(await messageOf({ type: 'string', 'my secret': 1 })).not.toContain('secret')
  })

  it.each([
    ['a number', 5],
    ['nothing', undefined],
    ['an unknown type', { type: 'text' }],
    ['no type in a list', { type: [] }],
    ['an empty enum', { enum: [] }],
    ['a const of another type', { const: 1, type: 'string' }],
    ['false', false],
    ['false among others', { type: 'array', allOf: [false] }],
    ['an array of nothing that must have an item', { type: 'array', items: false, minItems: 1 }],
    ['a property that has to be there and may not', { ...object({ a: false }), required: ['a'] }],
    ['no alternative', { oneOf: [] }],
    ['nothing in allOf', { allOf: [] }],
    ['two that exclude each other', { allOf: [{ type: 'string' }, { type: 'null' }] }],
    ['a pattern that no JSON text has', { type: 'string', pattern: '^\\x01$' }],
    ['a pattern that is none', { type: 'string', pattern: '(' }],
    ['a reference to itself with more', { $ref: '#', properties: {} }],
    ['bounds that exclude everything', { type: 'integer', minimum: 2, maximum: 1 }],
    ['a length that is no count', { type: 'string', minLength: -1 }],
    ['a maximum below the minimum', { type: 'array', minItems: 2, maxItems: 1 }],
    [
      'a required property that may not be there',
      { type: 'object', required: ['a'], additionalProperties: false },
    ],
    ['a reference to nothing', { $ref: '#/$defs/a' }],
    ['a reference that leads to itself', { $ref: '#' }],
    ['a reference that leads to itself by a union', { anyOf: [{ type: 'string' }, { $ref: '#' }] }],
    ['more than 64 KiB', { type: 'object', description: 'x'.repeat(70_000) }],
    ['more depth than 32', nested(40)],
    ['properties that are a list', { type: 'object', properties: [] }],
  ])('that is %s is refused', async (_what, schema) => {
    expect(await codeOf(parse(schema))).toBe('ENGINE_INPUT')
  })

  const twice = (items: object): object => ({
    anyOf: [
      { type: 'array', items },
      { type: 'array', items, maxItems: 9 },
    ],
  })
  const chain = Object.fromEntries(
    Array.from({ length: 12 }, (_, i) => [
      `d${i}`,
      i === 11 ? { type: 'null' } : twice({ $ref: `#/$defs/d${i + 1}` }),
    ]),
  )
  const tree = (kinds: (kind: string) => object): object => ({
    $defs: {
      e: {
        anyOf: ['add', 'mul'].map((kind) => ({
          ...object({ kind: kinds(kind), left: { $ref: '#/$defs/e' } }),
          required: ['kind'],
        })),
      },
    },
    $ref: '#/$defs/e',
  })

  it.each([
    [
      'alternatives that begin alike and hold themselves',
      { $defs: { t: twice({ $ref: '#/$defs/t' }) }, $ref: '#/$defs/t' },
    ],
    ['a chain of such alternatives', { $defs: chain, $ref: '#/$defs/d0' }],
    ['objects that hold themselves and nothing tells apart', tree(() => ({ type: 'string' }))],
    ['too many alternatives of one kind', { anyOf: Array.from({ length: 65 }, () => ({ type: 'string' })) }],
    [
      'too many properties',
      object(Object.fromEntries(Array.from({ length: 600 }, (_, i) => [`p${i}`, true]))),
    ],
  ])('with %s is refused: it would take the memory of everybody', async (_what, schema) => {
    expect(await codeOf(parse(schema))).toBe('ENGINE_UNSUPPORTED')
  })

  it('that counts too far in all is refused, however many tools it is spread over', async () => {
    const long = (count: number): object =>
      object(
        Object.fromEntries(
          Array.from({ length: count }, (_, i) => [`p${i}`, { type: 'string', maxLength: 1000 }]),
        ),
      )
    const writer = new GrammarWriter()
    writer.schema(parseSchema(long(15)))
    expect(await codeOf((async () => writer.schema(parseSchema(long(15))))())).toBe('ENGINE_UNSUPPORTED')
  })

  it('may hold itself where something tells its alternatives apart', () => {
    const value = {
      anyOf: [
        { type: 'string' },
        { type: 'array', items: { $ref: '#' } },
        { type: 'object', additionalProperties: { $ref: '#' } },
      ],
    }
    expect(parseSchema(value).root.kind).toBe('union')
    expect(parseSchema(tree((kind) => ({ const: kind }))).root.kind).toBe('ref')
  })

  it('of oneOf is taken where nothing can fit two alternatives', () => {
    const named = (name: string, value: object): object => ({
      ...object({ [name]: value }),
      required: [name],
    })
    const closed = (name: string): object => ({
      ...object({ [name]: { type: 'null' } }),
      additionalProperties: false,
    })
    for (const oneOf of [
      [{ type: 'string' }, { type: 'integer' }, { type: 'null' }],
      [{ const: 1 }, { const: 2 }, { enum: [3, '1'] }],
      [named('kind', { const: 'a' }), named('kind', { const: 'b' })],
      [named('a', { type: 'string' }), named('b', { type: 'string' })],
      [{ ...closed('a'), required: ['a'] }, closed('b')],
      [
        { type: 'string', pattern: '^a' },
        { type: 'string', pattern: '^b' },
      ],
      [
        { type: 'integer', maximum: 1 },
        { type: 'integer', minimum: 2 },
      ],
      [
        { type: 'array', items: { type: 'null' }, minItems: 1 },
        { type: 'array', items: { type: 'string' } },
      ],
    ])
      expect([oneOf, parseSchema({ oneOf }).root.kind]).toEqual([oneOf, 'union'])
  })

  it('with patterns that take long, or many, is refused', async () => {
    const many = (count: number, pattern: string): object =>
      object(
        Object.fromEntries(Array.from({ length: count }, (_, i) => [`p${i}`, { type: 'string', pattern }])),
      )
    for (const schema of [
      many(129, '^a$'),
      many(32, '(?:[a-c]|\\d|x.){0,900}'),
      // Few moves, but each leads through all that is empty behind it.
      many(1, `^[${spaced(200)}]{0,20}(?:){999}(?:){900}$`),
      { oneOf: Array.from({ length: 32 }, (_, i) => ({ type: 'string', pattern: `^[a-z]{${i + 900}}$` })) },
    ])
      expect(await codeOf(parse(schema).then(() => new GrammarWriter().schema(parseSchema(schema))))).toBe(
        'ENGINE_UNSUPPORTED',
      )
  })

  it('of oneOf whose alternatives are compared over and over is refused in a moment', async () => {
    const shapes = Array.from({ length: 6 }, (_, i) => ({
      ...object({
        a: { $ref: '#/$defs/t' },
        b: { $ref: '#/$defs/t' },
        c: { type: 'string', maxLength: i + 9 },
      }),
      required: ['a', 'b'],
    }))
    const start = process.threadCpuUsage()
    expect(await codeOf(parse({ $defs: { t: { oneOf: shapes } }, $ref: '#/$defs/t' }))).toBe(
      'ENGINE_UNSUPPORTED',
    )
    expect(process.threadCpuUsage(start).user).toBeLessThan(2_000_000)
  })

  it('of a pattern with more ways out of one place than a sampler should follow is refused', async () => {
    const ways = (count: number): object => ({
      type: 'string',
      pattern: `^(?:${[...spaced(count)].map((one) => `${one}${one}`).join('|')})$`,
    })
    expect(parseSchema(ways(60)).root.kind).toBe('string')
    expect(await messageOf(ways(70))).toContain('so many ways to read one answer')
    expect(await codeOf(parse({ anyOf: [ways(40), ways(40)] }))).toBe('ENGINE_UNSUPPORTED')
  })

  it.each(['{"enum":[1e400]}', '{"const":{"a":[-1e400]}}', '{"enum":[1,{"b":1e400}]}'])(
    '%s is refused: its number would be written as null, which it does not allow',
    async (text) => {
      expect(await codeOf(parse(JSON.parse(text)))).toBe('ENGINE_UNSUPPORTED')
    },
  )

  it('of oneOf with long lists that are compared over and over is refused', async () => {
    const values = (from: number): object => ({ enum: Array.from({ length: 1000 }, (_, i) => from + i) })
    const lists = (count: number): object => ({
      $defs: { a: values(0), b: values(1000) },
      ...object(
        Object.fromEntries(
          Array.from({ length: count }, (_, i) => [
            `p${i}`,
            { oneOf: [{ $ref: '#/$defs/a' }, { $ref: '#/$defs/b' }] },
          ]),
        ),
      ),
    })
    expect(parseSchema(lists(2)).root.kind).toBe('object')
    expect(await codeOf(parse(lists(20)))).toBe('ENGINE_UNSUPPORTED')
  })

  it('of oneOf with long literals that are compared over and over is read in a moment', () => {
    const many = (schema: object): object => ({ anyOf: Array.from({ length: 64 }, () => schema) })
    const schema = {
      $defs: {
        t: { enum: Array.from({ length: 50 }, (_, i) => `${i} ${'x'.repeat(1180)}`) },
        a: many({ $ref: '#/$defs/t' }),
        b: many({ type: 'null' }),
      },
      ...object(
        Object.fromEntries(
          Array.from({ length: 16 }, (_, i) => [
            `p${i}`,
            { oneOf: [{ $ref: '#/$defs/a' }, { $ref: '#/$defs/b' }] },
          ]),
        ),
      ),
    }
    const start = process.threadCpuUsage()
    expect(parseSchema(schema).root.kind).toBe('object')
    expect(process.threadCpuUsage(start).user).toBeLessThan(2_000_000)
  })

  it('keeps the order of properties, and brings what is only required behind them', () => {
    const { root } = parseSchema({ ...object({ b: true, a: { type: 'null' } }), required: ['c', 'a'] })
    expect(root).toMatchObject({
      properties: [
        { name: 'b', isRequired: false },
        { name: 'a', isRequired: true },
        { name: 'c', isRequired: true },
      ],
    })
  })

  it('makes a grammar of a size in proportion, also where it refers to itself over and over', () => {
    const tree = {
      $defs: { t: object({ l: { $ref: '#/$defs/t' }, r: { $ref: '#/$defs/t' } }) },
      $ref: '#/$defs/t',
    }
    const writer = new GrammarWriter()
    expect(writer.finish(writer.schema(parseSchema(tree))).length).toBeLessThan(2000)
    const wide = object(
      Object.fromEntries(Array.from({ length: 250 }, (_, i) => [`p${i}`, { type: 'null' }])),
    )
    const wider = new GrammarWriter()
    expect(wider.finish(wider.schema(parseSchema(wide))).length).toBeLessThan(60_000)
  })
})

/** Characters of which no two touch. */
function spaced(count: number): string {
  return Array.from({ length: count }, (_, i) => String.fromCodePoint(0x1000 + 2 * i)).join('')
}

function nested(depth: number): object {
  return depth === 0 ? { type: 'string' } : { type: 'array', items: nested(depth - 1) }
}
