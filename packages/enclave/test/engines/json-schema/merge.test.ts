import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { SchemaBudget } from '../../../src/engines/json-schema/budget.ts'
import { compileCheck } from '../../../src/engines/json-schema/check.ts'
import { Merger } from '../../../src/engines/json-schema/merge.ts'

const flat = (schema: object): unknown => new Merger(schema).flat(schema)

describe('allOf as one schema', () => {
  it('has the properties of all', () => {
    const base = { type: 'object', properties: { id: { type: 'integer' } }, required: ['id'] }
    const schema = {
      $defs: { base },
      allOf: [
        { $ref: '#/$defs/base' },
        { properties: { id: { minimum: 1 }, name: { type: 'string' } }, required: ['name'] },
      ],
    }
    expect(flat(schema)).toEqual({
      type: 'object',
      properties: { id: { type: 'integer', minimum: 1 }, name: { type: 'string' } },
      required: ['id', 'name'],
    })
  })

  it('forbids what one of them forbids, and allows nothing where they exclude each other', () => {
    const closed = { type: 'object', properties: { a: { type: 'null' } }, additionalProperties: false }
    expect(flat({ allOf: [closed, { properties: { b: { type: 'null' } } }] })).toMatchObject({
      properties: { a: { type: 'null' }, b: false },
      additionalProperties: false,
    })
    expect(flat({ allOf: [{ type: 'string' }, { type: 'null' }] })).toBe(false)
    expect(flat({ allOf: [{ enum: ['a', 1] }, { type: 'string' }, { maxLength: 0 }] })).toBe(false)
  })

  it.each([
    [{ allOf: [{ type: 'string', pattern: 'a' }, { pattern: 'b' }] }, 'ENGINE_UNSUPPORTED'],
    [{ allOf: [] }, 'ENGINE_INPUT'],
    [{ $ref: '#', type: 'object' }, 'ENGINE_INPUT'],
    [
      {
        allOf: Array.from({ length: 12 }, () => ({ anyOf: [{ minimum: 1 }, { maximum: 2 }] })),
        type: 'number',
      },
      'ENGINE_INPUT',
    ],
  ])('%j is refused where there is none', (schema, code) => {
    expect(() => flat(schema)).toThrow(expect.objectContaining({ code }))
  })

  it('of values that are looked at over and over is refused: all looks count together', () => {
    const values = (count: number): object => ({
      $defs: { a: { enum: ['a'.repeat(200)] } },
      allOf: [
        { pattern: '^a*(?:a?){900}$' },
        { anyOf: Array.from({ length: count }, () => ({ $ref: '#/$defs/a' })) },
      ],
    })
    expect(flat(values(1))).toEqual({ anyOf: [{ enum: ['a'.repeat(200)] }] })
    expect(() => flat(values(10))).toThrow(expect.objectContaining({ code: 'ENGINE_UNSUPPORTED' }))
  })

  it('refers to one pattern again and again, and compiles it once', () => {
    const size = new SchemaBudget()
    const schema = {
      $defs: { p: { pattern: '^a{900}$' } },
      anyOf: Array.from({ length: 80 }, () => ({ allOf: [{ $ref: '#/$defs/p' }, { enum: ['b', 'c'] }] })),
    }
    const merger = new Merger(schema, size)
    // Anew each time, 80 would be 72,000 states.
    for (const one of schema.anyOf) expect(merger.flat(one)).toBe(false)
  })

  const small = fc.integer({ min: -3, max: 3 })
  const names = fc.constantFrom('a', 'b', '__proto__')
  const { schemas } = fc.letrec<{ schemas: object }>((tie) => ({
    schemas: fc.oneof(
      { depthSize: 'small' },
      fc.record({ type: fc.constantFrom('integer', 'number', 'string', 'null', 'array', 'object') }),
      fc.record({ type: fc.constant(['integer', 'null']), minimum: small }, { requiredKeys: ['type'] }),
      fc.record({ minimum: small, maximum: small, minLength: fc.nat(2) }, { requiredKeys: [] }),
      fc.record({
        enum: fc.array(fc.oneof(small, fc.constantFrom('x', 'yy', null)), { minLength: 1, maxLength: 3 }),
      }),
      fc.record({ items: tie('schemas'), minItems: fc.nat(1), maxItems: fc.nat(2) }, { requiredKeys: [] }),
      fc.record(
        {
          type: fc.constant('object'),
          properties: fc
            .array(fc.tuple(names, tie('schemas')), { maxLength: 2 })
            .map((all) => Object.fromEntries(all)),
          required: fc.uniqueArray(names, { maxLength: 2 }),
          additionalProperties: fc.oneof(fc.boolean(), tie('schemas')),
        },
        { requiredKeys: [] },
      ),
      fc.record({ anyOf: fc.array(tie('schemas'), { minLength: 1, maxLength: 2 }) }),
      fc.record(
        { oneOf: fc.array(tie('schemas'), { minLength: 1, maxLength: 2 }), minimum: small },
        { requiredKeys: ['oneOf'] },
      ),
      fc.record({ allOf: fc.array(tie('schemas'), { minLength: 1, maxLength: 2 }) }),
    ),
  }))
  const scalars = fc.oneof(small, fc.constantFrom<unknown>(0.5, 'x', 'yy', null, true))
  const values = fc.oneof(
    scalars,
    fc.array(scalars, { maxLength: 3 }),
    fc.dictionary(names, fc.oneof(scalars, fc.array(scalars, { maxLength: 1 })), { maxKeys: 2 }),
  )

  it('means the same, for every value', () => {
    let compared = 0
    fc.assert(
      fc.property(
        fc.array(schemas, { minLength: 1, maxLength: 3 }),
        fc.array(values, { minLength: 8, maxLength: 8 }),
        (allOf, all) => {
          const merged = flat({ allOf })
          const [before, after] = [compileCheck({ allOf }), compileCheck(merged)]
          for (const value of all) {
            compared++
            expect([allOf, merged, value, after(value) === undefined]).toEqual([
              allOf,
              merged,
              value,
              before(value) === undefined,
            ])
          }
        },
      ),
      { numRuns: 500 },
    )
    expect(compared).toBe(4000)
  })
})
