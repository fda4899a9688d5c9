import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { claim } from '../../../../../test/claims.ts'
import type { EngineHost, EngineProcess } from '../../../src/engines/host/index.ts'
import type { GenerateRequest } from '../../../src/engines/types.ts'
import { codeOf } from '../host/fake-model.ts'
import { collect, openRealHost, startWeights } from '../real-engines.ts'
import { testdata, testdataMissing } from '../testdata.ts'

const missing = testdataMissing()
const SECRET = 'Once upon a time Sebastian hid the red key under the third stone of the garden wall. '
const salt = (): string => randomBytes(16).toString('base64url')

describe.skipIf(missing !== undefined)('prefix reuse', () => {
  let host: EngineHost
  let engine: EngineProcess
  const ask = async (
    prompt: string,
    cacheSalt?: string,
    over: Partial<GenerateRequest> = {},
  ): Promise<{ text: string; input: number; cached: number | undefined }> => {
    const request = { prompt, sampling: { temperature: 0 }, maxTokens: 12, ...over }
    const { text, done } = await collect(
      engine.generate(cacheSalt === undefined ? request : { ...request, cacheSalt }),
    )
    return { text, input: done!.usage.inputTokens, cached: done!.usage.cachedInputTokens }
  }

  beforeAll(async () => {
    host = await openRealHost()
    engine = await startWeights(
      host,
      { engine: 'gguf', task: 'text-generation' },
      testdata('llm/stories260K-f32.gguf'),
      { concurrency: 2, cancelGraceMs: 5000 },
    )
  })
  afterAll(() => host?.close())

  it(claim('T19', 'spares a client with its own salt what it sent before, and changes no word'), async () => {
    const own = salt()
    const first = await ask(SECRET, own)
    expect(first.cached).toBe(0)
    // The conversation goes on: what was asked and answered is there already.
    const next = `${SECRET}${first.text} Then`
    const again = await ask(next, own)
    expect(again.cached).toBeGreaterThanOrEqual(first.input - 1)
    expect(again.text).toBe((await ask(next)).text)
    // The very same prompt: one token is always evaluated, so that there is something to go on from.
    expect((await ask(next, own)).cached).toBe(again.input - 1)
    // Another way on from the same beginning: what was different is forgotten.
    const other = await ask(`${SECRET} One day`, own)
    expect(other.cached).toBeGreaterThan(0)
    expect(other.text).toBe((await ask(`${SECRET} One day`)).text)
  })

  it(
    claim(
      'T19',
      'evaluates every token of a prefix for whoever lacks the salt, however often another sent it',
    ),
    async () => {
      const own = salt()
      for (let i = 0; i < 3; i++) await ask(SECRET, own)
      for (const guess of [salt(), own.toUpperCase() + 'x', `${own}0`])
        expect((await ask(SECRET, guess)).cached).toBe(0)
      // None means none: nothing is looked up, nothing is kept.
      expect((await ask(SECRET)).cached).toBeUndefined()
      const fresh = salt()
      await ask(`${SECRET} x`)
      expect((await ask(`${SECRET} x`, fresh)).cached).toBe(0)
    },
  )

  it(claim('T19', "lets no word of one client appear in another's answer, whatever is kept"), async () => {
    const probe = (cacheSalt?: string): Promise<unknown> => ask('My name is', cacheSalt, { logprobs: 3 })
    const before = await probe()
    for (let i = 0; i < 4; i++) await ask(`My name is ${SECRET}`, salt())
    expect(await probe()).toEqual(before)
    const [a, b] = await Promise.all([ask(`My name is ${SECRET}`, salt()), probe()])
    expect(a.text).not.toBe('')
    expect(b).toEqual(before)
  })

  it('gives the place of a kept prefix to whoever needs it', async () => {
    const [a, b] = [salt(), salt()]
    await ask(SECRET, a)
    await ask(SECRET, b)
    // Both sequences hold something: two requests at once need both, and take long enough to meet.
    const long = { maxTokens: 200 }
    const texts = await Promise.all([ask('The dog', undefined, long), ask('A cat', undefined, long)])
    expect(texts.every(({ text }) => text !== '')).toBe(true)
    expect([(await ask(SECRET, a)).cached, (await ask(SECRET, b)).cached]).toEqual([0, 0])
  })

  it('keeps nothing of a request that was cancelled, and runs two with one salt beside each other', async () => {
    const own = salt()
    const cancelled = engine.generate({ prompt: SECRET, cacheSalt: own, sampling: { temperature: 0 } })
    await cancelled.next()
    await cancelled.return()
    expect((await ask(SECRET, own)).cached).toBe(0)
    // Long enough that the second begins before the first has ended, however busy the machine is.
    const long = { maxTokens: 300 }
    const [a, b] = await Promise.all([ask(SECRET, own, long), ask(SECRET, own, long)])
    expect(a.text).toBe(b.text)
    expect([a.cached, b.cached]).toContain(0)
  })

  it.each([['abc'], ['x'.repeat(21)], ['x'.repeat(129)], ['spaces are no secret characters'], [7]])(
    'refuses the salt %s',
    async (cacheSalt) => {
      expect(await codeOf(ask('a', cacheSalt as string))).toBe('ENGINE_INPUT')
    },
  )
})
