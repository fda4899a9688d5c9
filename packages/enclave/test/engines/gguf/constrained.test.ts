import * as fc from 'fast-check'
import { createEngine } from '../../../src/engines/gguf/engine.ts'
import type { Engine, GenerateRequest } from '../../../src/engines/types.ts'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { MODELS, testdataMissing, testdataPath } from '../testdata.ts'
import { openHere } from './here.ts'
import { violations } from './validate.ts'

const missing = testdataMissing()

describe.skipIf(missing !== undefined)('an answer that must have a form, at temperature 2', () => {
  let small: Engine
  let larger: Engine
  beforeAll(async () => {
    ;[small, larger] = [createEngine(), createEngine()]
    await openHere(small, testdataPath('llm/stories260K-f32.gguf'))
    // With words of several letters: what tools say fits its context.
    await openHere(larger, `${MODELS}/sotto-tiny-story-en/sotto-tiny-story-en.gguf`)
  })
  afterAll(() => Promise.all([small?.close(), larger?.close()]))

  async function run(
    request: GenerateRequest,
  ): Promise<{ text: string; calls: [string, string][]; end: string }> {
    let text = ''
    let end = ''
    const calls: [string, string][] = []
    const engine = request.messages ? larger : small
    for await (const event of engine.generate!(request, new AbortController().signal)) {
      if (event.type === 'delta') text += event.text
      else if (event.type === 'done') end = event.finishReason
      else {
        const call = (calls[event.index] ??= [event.name ?? '', ''])
        call[1] += event.arguments
      }
    }
    return { text, calls, end }
  }

  const bias = fc.dictionary(
    fc.nat(511).map((token) => String(token)),
    fc.constantFrom(-100, 100, 5),
    { maxKeys: 20 },
  )
  const calm = fc.record({ temperature: fc.constant(2), seed: fc.nat() })
  const sampling = fc.record({ temperature: fc.constant(2), seed: fc.nat(), logitBias: bias })

  it('always parses and validates, whatever is biased, unless the limit cuts it: then it says length', async () => {
    let whole = 0
    await fc.assert(
      fc.asyncProperty(schemas, sampling, fc.constantFrom(20, 160), async (schema, how, maxTokens) => {
        const responseFormat = { type: 'json_schema', schema } as const
        const { text, end } = await run({ prompt: 'Once', sampling: how, responseFormat, maxTokens })
        if (end === 'length') return
        whole++
        expect(end).toBe('stop')
        expect(violations(JSON.parse(text), schema)).toEqual([])
      }),
      { numRuns: 100 },
    )
    expect(whole).toBeGreaterThan(20)
  }, 180_000)

  it.each([0, 1])('token %i, which has a name and no text, fills nothing', async (token) => {
    const schema = { type: 'string', minLength: 3, maxLength: 5 }
    const responseFormat = { type: 'json_schema', schema } as const
    for (let seed = 0; seed < 4; seed++) {
      const how = { temperature: 2, seed, logitBias: { [token]: 100 } }
      const { text, end } = await run({ prompt: 'Once', sampling: how, responseFormat, maxTokens: 160 })
      expect([end, violations(JSON.parse(text), schema)]).toEqual(['stop', []])
    }
  })

  // Of this vocabulary, the bytes F4 and ED: with most bytes after them they are no character at all.
  it.each([247, 240])('byte token %i begins no character that there is not', async (token) => {
    const schema = { type: 'string', minLength: 0, maxLength: 2 }
    const responseFormat = { type: 'json_schema', schema } as const
    for (let seed = 0; seed < 6; seed++) {
      const how = { temperature: 2, seed, logitBias: { [token]: 100 } }
      const { text, end } = await run({ prompt: 'Once', sampling: how, responseFormat, maxTokens: 160 })
      expect([end, text.includes('\ufffd'), violations(JSON.parse(text), schema)]).toEqual([
        'stop',
        false,
        [],
      ])
    }
  })

  it('calls only what it may, with arguments that validate', async () => {
    let whole = 0
    await fc.assert(
      fc.asyncProperty(leaves, leaves, calm, fc.boolean(), async (a, b, how, parallelToolCalls) => {
        const tools = [
          { name: 'a', parameters: object({ x: a }) },
          { name: 'b', parameters: object({ y: b }) },
        ]
        const messages = [{ role: 'user', content: 'Go' }] as const
        const choice = parallelToolCalls ? ('required' as const) : { name: 'b' }
        const request = {
          messages,
          tools,
          toolChoice: choice,
          parallelToolCalls,
          sampling: how,
          maxTokens: 120,
        }
        const { text, calls, end } = await run(request).catch(tooLong)
        if (end === 'too long' || end === 'length') return
        whole++
        expect([text, end]).toEqual(['', 'tool-calls'])
        expect(calls.length).toBeGreaterThan(0)
        if (!parallelToolCalls) expect(calls.map(([name]) => name)).toEqual(['b'])
        for (const [name, text] of calls)
          expect(violations(JSON.parse(text), tools.find((tool) => tool.name === name)!.parameters)).toEqual(
            [],
          )
      }),
      { numRuns: 40 },
    )
    expect(whole).toBeGreaterThan(3)
  }, 180_000)

  it('of choice auto is text in which nothing looks like a call, or calls', async () => {
    const [lessThan] = await larger.tokenize!('<')
    for (let seed = 0; seed < 15; seed++) {
      const { text, calls } = await run({
        messages: [{ role: 'user', content: 'Go' }],
        tools: [{ name: 'f' }],
        // "<" made likely, so that calls are tried.
        sampling: { temperature: 2, seed, logitBias: { [lessThan!]: seed % 2 ? 12 : 0 } },
        maxTokens: 80,
      })
      expect(text).not.toContain('<tool_call>')
      for (const [name, given] of calls)
        expect([name, '{}'.startsWith(given.replaceAll(/\s/g, ''))]).toEqual(['f', true])
    }
  })

  it('refuses a stop text that could cut JSON, and tools it cannot force', async () => {
    const json = run({ prompt: 'a', responseFormat: { type: 'json_object' }, stop: ['x'] })
    await expect(json).rejects.toMatchObject({ code: 'ENGINE_UNSUPPORTED' })
    const tools = (list: object[]) =>
      run({ messages: [{ role: 'user', content: 'a' }], tools: list as { name: string }[] })
    for (const list of [
      [{ name: 'a b' }],
      [{ name: 'a' }, { name: 'a' }],
      [{ name: 'a', parameters: { type: 'string' } }],
    ])
      await expect(tools(list)).rejects.toMatchObject({ code: 'ENGINE_INPUT' })
    const pattern = { type: 'object', properties: { a: { type: 'string', pattern: '(?=x)' } } }
    await expect(tools([{ name: 'a', parameters: pattern }])).rejects.toMatchObject({
      code: 'ENGINE_UNSUPPORTED',
    })
  })
})

function tooLong(error: { code?: string }): { text: string; calls: [string, string][]; end: string } {
  if (error.code !== 'ENGINE_CONTEXT_OVERFLOW') throw error
  return { text: '', calls: [], end: 'too long' }
}

function object(properties: object): object {
  return { type: 'object', properties, required: Object.keys(properties), additionalProperties: false }
}

const range = fc.tuple(fc.integer({ min: -1200, max: 1200 }), fc.nat(1500))
const names = fc.constantFrom('a', 'b c', 'd"e', 'ü', '\u{1F600}', '__proto__', '\\n')
const leaves = fc.oneof(
  fc.constantFrom<object>(
    { type: 'boolean' },
    { type: 'null' },
    { type: ['integer', 'null'] },
    { type: 'number' },
  ),
  range.map(([low, span]) => ({ type: 'integer', minimum: low, maximum: low + span })),
  range.map(([low, span]) => ({ type: 'integer', exclusiveMinimum: low, exclusiveMaximum: low + span + 2 })),
  range.map(([low, span]) => ({ type: 'number', minimum: low, maximum: low + span })),
  fc
    .tuple(fc.nat(3), fc.nat(9))
    .map(([min, more]) => ({ type: 'string', minLength: min, maxLength: min + more })),
  fc.constantFrom('date', 'time', 'date-time', 'uuid').map((format) => ({ type: 'string', format })),
  fc.array(fc.jsonValue({ maxDepth: 1 }), { minLength: 1, maxLength: 4 }).map((values) => ({ enum: values })),
  // All of them end: what could go on would be cut by the limit, and prove nothing.
  fc
    .constantFrom('^a{1,9}b?$', '^[\\w.-]{1,3}@[a-z]{2}$', '^(?:\\d{4}|[A-F]{2})$', '^[^a-z]{2}$')
    .map((pattern) => ({ type: 'string', pattern })),
  fc
    .constantFrom('^a', '.b', 'é|"', '\\\\n\\n')
    .map((pattern) => ({ type: 'string', pattern, minLength: 2, maxLength: 6 })),
)
const kinds = fc.constantFrom('x', 'y', 'z')
/** Properties that several schemas say something of. */
const parts = fc.tuple(names, names, fc.boolean(), fc.nat(5)).map(([a, b, isRequired, low]) => ({
  type: 'object',
  properties: { [a]: { type: 'integer', minimum: low }, [b]: { type: ['integer', 'null'], maximum: 99 } },
  ...(isRequired && { required: [b] }),
}))
const { schemas } = fc.letrec<{ schemas: object }>((tie) => ({
  schemas: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    leaves,
    fc.tuple(tie('schemas'), fc.nat(2), fc.nat(2)).map(([items, minItems, more]) => ({
      type: 'array',
      items,
      minItems,
      maxItems: minItems + more,
    })),
    fc.array(fc.tuple(names, tie('schemas'), fc.boolean()), { maxLength: 4 }).map((properties) => ({
      type: 'object',
      properties: Object.fromEntries(properties.map(([name, schema]) => [name, schema])),
      required: [...new Set(properties.filter((one) => one[2]).map(([name]) => name))],
      additionalProperties: false,
    })),
    tie('schemas').map((values) => ({ type: 'object', additionalProperties: values })),
    fc.tuple(tie('schemas'), tie('schemas')).map((anyOf) => ({ anyOf })),
    fc.array(parts, { minLength: 2, maxLength: 3 }).map((allOf) => ({ allOf })),
    fc
      .uniqueArray(fc.tuple(kinds, tie('schemas')), { minLength: 1, selector: ([kind]) => kind })
      .map((all) => ({
        oneOf: all.map(([kind, value]) => ({
          type: 'object',
          properties: { kind: { const: kind }, value },
          required: ['kind', 'value'],
        })),
      })),
    leaves.map((one) => ({
      oneOf: [
        { type: 'object', properties: { v: one }, required: ['v'] },
        { type: 'array', items: one },
      ],
    })),
  ),
}))
