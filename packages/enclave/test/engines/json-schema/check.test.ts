import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { CheckSize, compileCheck, Effort } from '../../../src/engines/json-schema/check.ts'

describe('a check of a schema', () => {
  it.each<[object | boolean, unknown[], unknown[]]>([
    [true, [1, null, {}], []],
    [false, [], [1, null]],
    [{ type: 'integer' }, [1, 1.0, -3], [1.5, '1', null, true]],
    [{ type: ['string', 'null'] }, ['', null], [0, [], {}]],
    [{ const: { a: [1, 2] } }, [{ a: [1, 2] }], [{ a: [2, 1] }, { a: [1, 2], b: 0 }]],
    [{ enum: [{ a: 1, b: 2 }, 'x'] }, [{ b: 2, a: 1 }, 'x'], [{ a: 1 }, 'y']],
    [{ minimum: 2, exclusiveMaximum: 4 }, [2, 3.9, 'x'], [1, 4]],
    [{ exclusiveMinimum: 2, maximum: 4 }, [2.1, 4], [2, 4.1]],
    [{ minLength: 2, maxLength: 3 }, ['\u{1F600}a', 'abc', 7], ['\u{1F600}', 'abcd']],
    [{ pattern: '^a.c$' }, ['abc', 3], ['ac', 'xabc']],
    [{ format: 'date' }, ['2024-02-29', 5], ['2023-02-29', '2024-2-1', '2024-13-01']],
    [{ format: 'time' }, ['23:59:59Z', '00:00:00.5+01:00'], ['24:00:00Z', '00:00:00']],
    [{ format: 'date-time' }, ['2024-02-29T10:00:00Z'], ['2024-02-29 10:00:00Z', '2024-02-29']],
    [{ format: 'uuid' }, ['00000000-0000-4000-8000-000000000000'], ['00000000']],
    [{ items: { type: 'null' }, minItems: 1, maxItems: 2 }, [[null], 'x'], [[], [0], [null, null, null]]],
    [{ prefixItems: [{ const: 1 }], items: { const: 2 } }, [[], [1, 2, 2]], [[2], [1, 1]]],
    [{ properties: { a: { const: 1 } }, required: ['a'] }, [{ a: 1, b: 2 }, 'x'], [{}, { a: 2 }]],
    [{ properties: { a: true }, additionalProperties: false }, [{ a: 1 }, {}], [{ b: 1 }]],
    [{ additionalProperties: { type: 'null' } }, [{ a: null }], [{ a: 1 }]],
    [{ minProperties: 1, maxProperties: 1 }, [{ a: 1 }], [{}, { a: 1, b: 2 }]],
    [{ anyOf: [{ type: 'null' }, { const: 1 }] }, [null, 1], [2]],
    [{ oneOf: [{ minimum: 2 }, { maximum: 3 }] }, [1, 4], [2, 3, 'x']],
    [{ allOf: [{ minimum: 2 }, { maximum: 3 }] }, [2, 3, 'x'], [1, 4]],
    [{ not: { type: 'null' } }, [1], [null]],
    [
      { $defs: { t: { items: { $ref: '#/$defs/t' }, type: 'array' } }, $ref: '#/$defs/t' },
      [[], [[[]]]],
      [[[1]]],
    ],
    [{ required: ['__proto__'] }, [JSON.parse('{"__proto__":1}')], [{}]],
    [{ properties: { toString: { const: 1 } }, additionalProperties: false }, [{}], [{ valueOf: 1 }]],
  ])('%j takes what it says and nothing else', (schema, right, wrong) => {
    const check = compileCheck(schema)
    for (const value of right) expect([value, check(value)]).toEqual([value, undefined])
    for (const value of wrong) expect([value, typeof check(value)]).toEqual([value, 'string'])
  })

  it.each([
    ['multipleOf', { multipleOf: 2 }],
    ['uniqueItems', { uniqueItems: true }],
    ['patternProperties', { patternProperties: {} }],
    ['format', { format: 'email' }],
    ['if', { items: { if: {} } }],
  ])('with %s is refused by its name, never with it ignored', (keyword, schema) => {
    expect(() => compileCheck(schema)).toThrow(`keyword ${keyword}`)
  })

  it.each([
    5,
    null,
    'x',
    { type: 'text' },
    { type: [] },
    { enum: 1 },
    { required: [1] },
    { required: 'a' },
    { properties: [] },
    { anyOf: [] },
    { oneOf: {} },
    { minimum: '1' },
    { pattern: 1 },
    { pattern: '(' },
    { $ref: '#/no' },
    { items: 3 },
  ])('that is %j is refused', (schema) => {
    expect(() => compileCheck(schema)).toThrow(expect.objectContaining({ code: 'ENGINE_INPUT' }))
  })

  it('that leads back to itself, or multiplies, ends with an error', () => {
    const endless = compileCheck({ $ref: '#' })
    expect(() => endless(1)).toThrow(expect.objectContaining({ code: 'ENGINE_UNSUPPORTED' }))
    const twice = {
      anyOf: [
        { items: { $ref: '#' }, maxItems: 9 },
        { items: { $ref: '#' }, minItems: 1 },
      ],
      type: 'array',
    }
    let deep: unknown = 1
    for (let depth = 0; depth < 40; depth++) deep = [deep]
    expect(() => compileCheck(twice)(deep)).toThrow(expect.objectContaining({ code: 'ENGINE_UNSUPPORTED' }))
  })

  it('that holds more than a request may is refused, over all schemas of it', () => {
    const pattern = { pattern: '^a{900}$' }
    const size = new CheckSize()
    const all = (): void => {
      for (let i = 0; i < 60; i++) compileCheck(pattern, size)
    }
    expect(all).toThrow(expect.objectContaining({ code: 'ENGINE_UNSUPPORTED' }))
    expect(() => compileCheck({ enum: ['x'.repeat(70_000)] })).toThrow('64 KiB')
  })

  it.each<[string, object, unknown]>([
    ['a pattern with many states', { pattern: '^a*(?:a?){900}$' }, 'a'.repeat(1000)],
    ['the same on texts without a character', { items: { pattern: '^(?:a?){900}$' } }, Array(2000).fill('')],
    ['lengths', { allOf: Array.from({ length: 3000 }, () => ({ minLength: 1 })) }, 'a'.repeat(30_000)],
    ['alternatives', { items: { anyOf: [...Array(2000).fill(false), true] } }, Array(2000).fill(1)],
    [
      'items of any kind',
      { allOf: Array.from({ length: 2000 }, () => ({ items: true })) },
      Array(2000).fill(1),
    ],
    [
      'names',
      { items: { required: Array.from({ length: 2000 }, (_, i) => `${i}`) } },
      Array(2000).fill(Object.fromEntries(Array.from({ length: 2000 }, (_, i) => [i, 1]))),
    ],
    [
      'values that are compared to their end',
      { items: { enum: Array.from({ length: 50 }, (_, i) => [...Array(400).fill(0), i]) } },
      Array.from({ length: 2000 }, () => [...Array(400).fill(0), 49]),
    ],
  ])('that looks too long is ended: %s', (_what, schema, value) => {
    expect(() => compileCheck(schema)(value)).toThrow(expect.objectContaining({ code: 'ENGINE_UNSUPPORTED' }))
  })

  it('counts together with the others of its request', () => {
    const check = compileCheck({ minLength: 1 })
    const effort = new Effort()
    const text = 'a'.repeat(300_000)
    for (let i = 0; i < 3; i++) expect(check(text, effort)).toBeUndefined()
    expect(() => check(text, effort)).toThrow(expect.objectContaining({ code: 'ENGINE_UNSUPPORTED' }))
    expect(check(text)).toBeUndefined()
  })

  it('crashes on no schema and no value', () => {
    const keyword = fc.constantFrom(
      'type',
      'items',
      'properties',
      'required',
      'anyOf',
      'enum',
      'const',
      '$ref',
      'allOf',
      'pattern',
      'minLength',
      'not',
    )
    const schemas = fc.dictionary(
      keyword,
      fc.oneof(fc.jsonValue({ maxDepth: 3 }), fc.constantFrom('string', '#', '#/items')),
    )
    fc.assert(
      fc.property(schemas, fc.jsonValue(), (schema, value) => {
        try {
          compileCheck(schema)(value)
        } catch (error) {
          expect((error as { code: string }).code).toMatch(/^ENGINE_(INPUT|UNSUPPORTED)$/)
        }
      }),
      { numRuns: 1000 },
    )
  })
})
