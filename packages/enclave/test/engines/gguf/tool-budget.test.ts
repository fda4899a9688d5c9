import { describe, expect, it } from 'vitest'
import { GrammarWriter } from '../../../src/engines/gguf/schema/gbnf.ts'
import { TAGGED } from '../../../src/engines/gguf/tools/syntax.ts'
import { toolRule } from '../../../src/engines/gguf/tools/tool-grammar.ts'
import { SchemaBudget } from '../../../src/engines/json-schema/budget.ts'

const rule = (parameters: object, count: number): string => {
  const tools = Array.from({ length: count }, (_, i) => ({ name: `t${i}`, parameters }))
  const rules = { tools, choice: 'auto', isParallel: true, budget: new SchemaBudget() } as const
  return toolRule(new GrammarWriter(), TAGGED, rules, undefined)
}
const kind = (value: number): object => ({
  type: 'object',
  properties: { kind: { const: value } },
  required: ['kind'],
})
const object = (count: number, property: (index: number) => object): object => ({
  type: 'object',
  properties: Object.fromEntries(Array.from({ length: count }, (_, i) => [`p${i}`, property(i)])),
})

describe('the schemas of all tools of a request', () => {
  it.each<[string, string, object]>([
    ['patterns', 'ENGINE_UNSUPPORTED', object(60, () => ({ type: 'string', pattern: '^[a-z]$' }))],
    [
      'steps of their automata',
      'ENGINE_UNSUPPORTED',
      object(1, () => ({ type: 'string', pattern: '^(?:[aceg]|[ikmo]){0,10}(?:){900}$' })),
    ],
    [
      'merges',
      'ENGINE_INPUT',
      object(200, () => ({ type: 'string', allOf: [{ minLength: 1 }, { maxLength: 2 }] })),
    ],
    [
      'looks at values that are merged',
      'ENGINE_UNSUPPORTED',
      object(1, () => ({ allOf: [{ enum: ['a'.repeat(200)] }, { pattern: '^a*(?:a?){900}$' }] })),
    ],
    [
      'pairs of alternatives',
      'ENGINE_UNSUPPORTED',
      object(1, () => ({ oneOf: Array.from({ length: 150 }, (_, i) => kind(i)) })),
    ],
  ])('share one bound of %s', (_what, code, parameters) => {
    expect(rule(parameters, 1)).toMatch(/^r\d+/)
    expect(() => rule(parameters, 12)).toThrow(expect.objectContaining({ code }))
  })

  it('may be as many as tools: of everyday ones nothing runs out', () => {
    const everyday = object(2, (index) =>
      index === 0
        ? { type: 'string', pattern: '^[A-Z]{2}-\\d{4}$' }
        : { allOf: [{ type: 'string' }, { enum: ['low', 'high'] }] },
    )
    expect(rule(everyday, 128)).toMatch(/^r\d+/)
  })
})
