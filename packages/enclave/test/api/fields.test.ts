import type OpenAI from 'openai'
import { afterAll, beforeAll, describe, expect, expectTypeOf, it } from 'vitest'
import { fieldNotes } from '../../src/api/openai/fields.ts'
import { ROUTE_FIELDS } from '../../src/api/text/routes.ts'
import { testdataMissing } from '../engines/testdata.ts'
import { type Change, changes } from './field-changes.ts'
import { openRealApi, type RealApi } from './real-models.ts'
import { post } from './support.ts'

const missing = testdataMissing()

let real: RealApi
beforeAll(async () => void (missing || (real = await openRealApi())), 60_000)
afterAll(() => real?.close())

describe.each(Object.entries(ROUTE_FIELDS))('%s', (route, schema) => {
  const notes = fieldNotes(schema)
  const named = (state: string): string[] =>
    [...notes].filter(([, note]) => note.state === state).map(([name]) => name)
  const table = changes[route as keyof typeof changes]

  async function answer(body: object): Promise<string> {
    const response = await real.api(post(route, body))
    const text = await response.text()
    expect([text.slice(0, 300), response.status]).toEqual([text.slice(0, 300), 200])
    return said(text)
  }

  it('has a change to show for every field that works, and for no other', () => {
    expect(Object.keys(table).sort()).toEqual(named('works').sort())
  })

  describe.skipIf(missing !== undefined)('changes its answer with', () => {
    it.each(Object.entries(table))('%s', async (field, change) => {
      const { base = {}, from, to, isWarm = false }: Change = change
      const body = { ...changes.bases[route as keyof typeof changes.bases], ...base }
      const before = { ...body, ...(from !== undefined && { [field]: from }) }
      // The same twice, or else a change would prove nothing.
      const first = await answer(before)
      expect(await answer(before)).toBe(first)
      if (isWarm) await answer({ ...body, [field]: to })
      expect(await answer({ ...body, [field]: to })).not.toBe(first)
    })
  })

  it.each(named('refused'))('refuses %s by name', async (field) => {
    const body = { ...changes.bases[route as keyof typeof changes.bases], [field]: { unheard: 'of' } }
    if (missing) return
    const response = await real.api(post(route, body))
    expect(response.status).toBe(400)
    expect(await response.json()).toMatchObject({ error: { code: 'api_unsupported', param: field } })
    for (const value of [null, ...(notes.get(field)!.allowed ?? [])])
      expect((await real.api(post(route, { ...body, [field]: value }))).status).toBe(200)
  })

  it.each(named('no effect'))('answers the same with %s', async (field) => {
    if (missing) return
    const body = changes.bases[route as keyof typeof changes.bases]
    expect(await answer({ ...body, [field]: { some: 'thing' } })).toBe(await answer(body))
  })
})

it('knows every field of the OpenAI SDK', () => {
  type Fields<Route extends keyof typeof ROUTE_FIELDS> = keyof (typeof ROUTE_FIELDS)[Route]['shape']
  type Chat = keyof OpenAI.ChatCompletionCreateParamsNonStreaming | 'stream'
  expectTypeOf<Exclude<Chat, Fields<'/v1/chat/completions'>>>().toEqualTypeOf<never>()
  type Completion = keyof OpenAI.CompletionCreateParamsNonStreaming
  expectTypeOf<Exclude<Completion, Fields<'/v1/completions'>>>().toEqualTypeOf<never>()
  type Responses = keyof OpenAI.Responses.ResponseCreateParamsNonStreaming
  expectTypeOf<Exclude<Responses, Fields<'/v1/responses'>>>().toEqualTypeOf<never>()
  type Embedding = keyof OpenAI.EmbeddingCreateParams
  expectTypeOf<Exclude<Embedding, Fields<'/v1/embeddings'>>>().toEqualTypeOf<never>()
})

/** An answer without its ids, and of a response only what was said: the rest repeats the request. */
function said(text: string): string {
  const plain = text.replaceAll(/\b(?:call|msg|fc|resp|chatcmpl|cmpl)[_-][0-9a-f]{24,}/g, 'ID')
  if (!plain.startsWith('{')) return plain
  const { object, output, usage } = JSON.parse(plain) as Record<string, unknown>
  return object === 'response' ? JSON.stringify([output, usage]) : plain
}
