import * as fc from 'fast-check'
import { getLlama, type Llama, LlamaGrammar, LlamaLogLevel } from 'node-llama-cpp'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { GrammarWriter } from '../../../src/engines/gguf/schema/gbnf.ts'
import { parseSchema } from '../../../src/engines/gguf/schema/parse.ts'
import { BARE, LISTED, TAGGED, type ToolSyntax } from '../../../src/engines/gguf/tools/syntax.ts'
import { toolRule, type ToolRules } from '../../../src/engines/gguf/tools/tool-grammar.ts'
import { SchemaBudget } from '../../../src/engines/json-schema/budget.ts'

/** What llama.cpp itself takes for an answer of our grammars, with no model in between. */
let llama: Llama
beforeAll(async () => {
  llama = await getLlama({
    build: 'never',
    gpu: false,
    logLevel: LlamaLogLevel.disabled,
    progressLogs: false,
  })
})
afterAll(() => llama?.dispose())

function matcher(grammar: string): (text: string) => boolean {
  const compiled = new LlamaGrammar(llama, { grammar })
  const takes = Reflect.get(compiled, '_testText') as (text: string) => boolean
  return (text) => takes.call(compiled, text)
}

function ofSchema(schema: unknown): (text: string) => boolean {
  const writer = new GrammarWriter()
  return matcher(writer.finish(writer.schema(parseSchema(schema))))
}

it('takes exactly the integers between bounds', () => {
  const bound = fc.oneof(fc.integer({ min: -300, max: 300 }), fc.maxSafeInteger())
  fc.assert(
    fc.property(bound, bound, fc.array(bound, { minLength: 1 }), (a, b, others) => {
      const [low, high] = [Math.min(a, b), Math.max(a, b)]
      const takes = ofSchema({ type: 'integer', minimum: low, maximum: high })
      for (const value of [low, low - 1, low + 1, high, high - 1, high + 1, ...others]) {
        if (!Number.isSafeInteger(value)) continue
        expect([value, takes(String(value))]).toEqual([value, value >= low && value <= high])
        expect(takes(`0${value}`)).toBe(false)
      }
    }),
    { numRuns: 60 },
  )
})

it('takes the numbers between whole bounds, with their fractions', () => {
  const takes = ofSchema({ type: 'number', minimum: -2, maximum: 11 })
  for (const text of ['-2', '-2.0', '-1.999', '-0.5', '0', '0.25', '10.999', '11', '11.000'])
    expect(takes(text)).toBe(true)
  for (const text of ['-2.1', '-3', '11.1', '11.001', '12', '1e1', '01', '.5', '1.'])
    expect(takes(text)).toBe(false)
})

it('takes exactly the texts of a pattern, as JSON writes them', () => {
  const character = fc.constantFrom('a', 'b', '1', '"', '\\', '\n', 'é', '\u{1F600}', ']', '-')
  const patterns = [
    '^[ab]+1?$',
    '"',
    '^(?:a|b1)*$',
    '^[^"\\\\]{2,3}$',
    '\\n$',
    '^\\W+$',
    '.\u{1F600}',
    '^[\\]a-]*$',
  ]
  for (const pattern of patterns) {
    const takes = ofSchema({ type: 'string', pattern })
    const within = ofSchema({ type: 'string', pattern, minLength: 2, maxLength: 3 })
    fc.assert(
      fc.property(fc.string({ unit: character, maxLength: 4 }), (text) => {
        const isOne = new RegExp(pattern, 'u').test(text)
        const length = [...text].length
        expect([pattern, text, takes(JSON.stringify(text))]).toEqual([pattern, text, isOne])
        expect([pattern, text, within(JSON.stringify(text))]).toEqual([
          pattern,
          text,
          isOne && length >= 2 && length <= 3,
        ])
      }),
      { numRuns: 60 },
    )
    expect(takes('"\u0001"') || takes('"a') || takes('a"')).toBe(false)
  }
})

it('takes every choice of optional properties in their order, and no comma too many', () => {
  const names = ['a', 'b', 'c', 'd']
  for (let required = 0; required < 16; required++) {
    const needed = names.filter((_, i) => required & (1 << i))
    const takes = ofSchema({
      type: 'object',
      properties: Object.fromEntries(names.map((name) => [name, { type: 'null' }])),
      required: needed,
    })
    for (let present = 0; present < 16; present++) {
      const there = names.filter((_, i) => present & (1 << i))
      const text = `{${there.map((name) => `"${name}":null`).join(',')}}`
      expect([needed, text, takes(text)]).toEqual([
        needed,
        text,
        needed.every((name) => there.includes(name)),
      ])
      if (there.length > 0)
        expect(takes(text.replace('}', ',}')) || takes(text.replace('{', '{,'))).toBe(false)
    }
    expect(takes('{"b":null,"a":null}') || takes('{"e":null}')).toBe(false)
  }
})

it('takes what refers back to itself, and every JSON where anything is allowed', () => {
  const list = { type: 'object', properties: { next: { $ref: '#' } }, additionalProperties: false }
  expect(ofSchema(list)('{"next":{"next":{}}}')).toBe(true)
  expect(ofSchema(list)('{"next":{"other":{}}}')).toBe(false)
  const any = ofSchema({ type: 'object', properties: { v: true }, required: ['v'] })
  fc.assert(
    fc.property(fc.json({ depthSize: 'small', noUnicodeString: true }), (text) => {
      fc.pre(!/[eE.]|\d{16}|\\ud[89a-f]/i.test(text) && !text.includes('\u007f'))
      expect([text, any(`{"v":${text}}`)]).toEqual([text, true])
    }),
  )
  for (const text of ['{"v":"\\ud800"}', '{"v":"\n"}', '{"v":\'a\'}', '{"v":NaN}', '{"v":1}}'])
    expect(any(text)).toBe(false)
})

const rules = (over: Partial<ToolRules>): ToolRules => ({
  tools: [
    { name: 'now' },
    { name: 'add', parameters: { type: 'object', properties: { n: { type: 'integer' } }, required: ['n'] } },
  ],
  choice: 'auto',
  isParallel: true,
  budget: new SchemaBudget(),
  ...over,
})

it.each([
  ['tagged', TAGGED],
  ['listed', LISTED],
  ['bare', BARE],
])('takes calls in %s syntax, and text in which nothing looks like one', (_name, syntax) => {
  const takes = (over: Partial<ToolRules>, content?: string): ((text: string) => boolean) => {
    const writer = new GrammarWriter()
    const rule = content === undefined ? undefined : writer.rule(content)
    return matcher(writer.finish(toolRule(writer, syntax, rules(over), rule)))
  }
  const [now, add, wrong] = [
    call(syntax, 'now', '{}'),
    call(syntax, 'add', '{"n":7}'),
    call(syntax, 'add', '{"n":"7"}'),
  ]
  const all = (...calls: string[]): string => syntax.begin + calls.join(syntax.between) + syntax.end
  const auto = takes({})
  for (const text of [
    '',
    'Hi <tool [TOOL {"name" there',
    all(now),
    `Well. ${all(now, add)}`,
    `<<[[{{${all(add)}`,
  ])
    expect([text, auto(text)]).toEqual([text, true])
  const trigger = syntax.trigger
  for (const text of [
    trigger,
    `a${trigger}b`,
    all(wrong),
    all(call(syntax, 'other', '{}')),
    `${all(now)} and`,
  ])
    expect([text, auto(text)]).toEqual([text, false])
  const required = takes({ choice: 'required', isParallel: false })
  expect([required(all(now)), required(all(now, add)), required('Hi'), required('')]).toEqual([
    true,
    false,
    false,
    false,
  ])
  const named = takes({ choice: { name: 'add' } })
  expect([named(all(add)), named(all(now)), named(all(add, add))]).toEqual([true, false, false])
  const formed = takes({}, '"{}"')
  expect([formed('{}'), formed(all(now)), formed('Hi')]).toEqual([true, true, false])
})

function call({ open, middle, close }: ToolSyntax, name: string, given: string): string {
  return `${open}${name}${middle}${given}${close}`
}
