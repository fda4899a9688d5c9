import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { EngineHost, EngineProcess } from '../../../src/engines/host/index.ts'
import type { GenerateRequest } from '../../../src/engines/types.ts'
import { codeOf } from '../host/fake-model.ts'
import { collect, openRealHost, startWeights } from '../real-engines.ts'
import { testdata, testdataMissing } from '../testdata.ts'

const missing = testdataMissing()

describe.skipIf(missing !== undefined)('a 260K story model', () => {
  let host: EngineHost
  let engine: EngineProcess
  const run = (request: GenerateRequest): ReturnType<typeof collect> => collect(engine.generate(request))
  const GREEDY = { temperature: 0 }

  beforeAll(async () => {
    host = await openRealHost()
    engine = await startWeights(
      host,
      { engine: 'gguf', task: 'text-generation' },
      testdata('llm/stories260K-f32.gguf'),
      { concurrency: 4, cancelGraceMs: 5000 },
    )
  })

  afterAll(() => host?.close())

  it('continues greedily exactly as the reference does, delta by delta', async () => {
    const expected = new TextDecoder().decode(testdata('llm/expected.txt')).replace(/\n$/, '')
    const { text, deltas, done } = await run({ prompt: '', sampling: GREEDY, maxTokens: 200 })
    expect(text).toBe(expected)
    expect(deltas.reduce((sum, delta) => sum + delta.tokens, 0)).toBe(200)
    expect(done).toEqual({
      type: 'done',
      finishReason: 'length',
      usage: { inputTokens: 1, outputTokens: 200 },
    })
  })

  it('states its context and tokenises', async () => {
    expect(engine.info).toEqual({
      concurrency: 4,
      operations: ['generate', 'tokenize', 'score'],
      contextTokens: 512,
    })
    const tokens = await engine.tokenize('Once upon a time')
    expect(await run({ prompt: tokens, sampling: GREEDY, maxTokens: 8 })).toMatchObject({
      text: ', there was a little girl',
    })
  })

  it('draws the same text from the same seed, another from another', async () => {
    const drawn = (seed: number): Promise<string> =>
      run({ prompt: 'Once', sampling: { temperature: 1, seed }, maxTokens: 40 }).then(({ text }) => text)
    const [a, again, b] = [await drawn(7), await drawn(7), await drawn(8)]
    expect(again).toBe(a)
    expect(b).not.toBe(a)
    // 2^32 + 7 and 7 are the same 32 bits; negative seeds are accepted.
    expect(await drawn(2 ** 32 + 7)).toBe(a)
    expect(await drawn(-1)).not.toBe(a)
  })

  it('honours top-k, top-p, min-p, penalties and bias', async () => {
    const greedy = (await run({ prompt: 'Once', sampling: GREEDY, maxTokens: 60 })).text
    for (const cut of [{ topK: 1 }, { topP: 1e-6 }, { minP: 1 }]) {
      expect(
        (await run({ prompt: 'Once', sampling: { temperature: 2, seed: 1, ...cut }, maxTokens: 60 })).text,
      ).toBe(greedy)
    }
    for (const penalty of [{ repeatPenalty: 2 }, { frequencyPenalty: 2 }, { presencePenalty: 2 }]) {
      expect(
        (await run({ prompt: 'Once', sampling: { ...GREEDY, ...penalty }, maxTokens: 60 })).text,
      ).not.toBe(greedy)
    }
    const [first] = (await run({ prompt: 'Once', sampling: GREEDY, maxTokens: 1, logprobs: 0 })).deltas
    const token = first!.logprobs![0]!.token
    const banned = await run({
      prompt: 'Once',
      sampling: { ...GREEDY, logitBias: { [token]: -100 } },
      maxTokens: 1,
      logprobs: 0,
    })
    expect(banned.deltas[0]!.logprobs![0]!.token).not.toBe(token)
    const forced = await run({
      prompt: 'Once',
      sampling: { ...GREEDY, logitBias: { 300: 100 } },
      maxTokens: 3,
      logprobs: 0,
    })
    expect(forced.deltas.flatMap((delta) => delta.logprobs!.map((each) => each.token))).toEqual([
      300, 300, 300,
    ])
  })

  it('stops at a stop string that spans tokens, and says so', async () => {
    const { text, done } = await run({
      prompt: '',
      sampling: GREEDY,
      maxTokens: 200,
      stop: ['red ball. She', 'nowhere'],
    })
    expect(text.endsWith('she saw a big, ')).toBe(true)
    expect(done!.finishReason).toBe('stop')
    const all = await run({ prompt: '', sampling: GREEDY, maxTokens: 20, stop: ['never said'] })
    expect(all.text.length).toBeGreaterThan(20)
  })

  it('reports log-probabilities that are those of the model, whatever the temperature', async () => {
    const request = { prompt: 'Once upon a', maxTokens: 1, logprobs: 5 }
    const cold = (await run({ ...request, sampling: GREEDY })).deltas[0]!.logprobs![0]!
    expect(cold.top).toHaveLength(5)
    expect(cold.top![0]).toEqual({ token: cold.token, text: cold.text, logprob: cold.logprob })
    const sum = (await run({ ...request, logprobs: 20, sampling: GREEDY })).deltas[0]!.logprobs![0]!.top!
    expect(sum.reduce((total, { logprob }) => total + Math.exp(logprob), 0)).toBeLessThanOrEqual(1.0001)
    const warm = (await run({ ...request, sampling: { temperature: 0.5, seed: 3 } })).deltas[0]!.logprobs![0]!
    expect(warm.top!.map(({ token }) => token)).toEqual(cold.top!.map(({ token }) => token))
    for (const [i, { logprob }] of warm.top!.entries()) expect(logprob).toBeCloseTo(cold.top![i]!.logprob, 3)
  })

  it('scores a text as it would generate it', async () => {
    const { text, deltas } = await run({
      prompt: 'Once upon a time',
      sampling: GREEDY,
      maxTokens: 300,
      logprobs: 0,
    })
    const generated = deltas.flatMap((delta) => delta.logprobs!)
    const scores = (await engine.score(`Once upon a time${text}`)).slice(-generated.length)
    expect(scores.map(({ token }) => token)).toEqual(generated.map(({ token }) => token))
    for (const [i, { logprob }] of scores.entries()) expect(logprob).toBeCloseTo(generated[i]!.logprob, 2)
    expect(await codeOf(engine.score('word '.repeat(600)))).toBe('ENGINE_CONTEXT_OVERFLOW')
  })

  it('keeps nothing of one conversation for another', async () => {
    const probe: GenerateRequest = { prompt: 'My name is', sampling: GREEDY, maxTokens: 30, logprobs: 3 }
    const before = await run(probe)
    await run({
      prompt: 'My name is Sebastian and my secret is the red key. My name is Sebastian',
      sampling: GREEDY,
      maxTokens: 100,
    })
    await run({
      messages: [{ role: 'user', content: 'Remember: Sebastian' }],
      sampling: GREEDY,
      maxTokens: 50,
    })
    const cancelled = engine.generate({ prompt: 'My name is Sebastian', sampling: GREEDY })
    await cancelled.next()
    await cancelled.return()
    // Token by token, with every log-probability: the other conversations are not even a rounding away.
    expect(await run(probe)).toEqual(before)
  })

  it('answers concurrent requests each from its own prompt', async () => {
    const prompts = ['The dog', 'A cat', 'One day', 'Tom']
    const alone: string[] = []
    for (const prompt of prompts) alone.push((await run({ prompt, sampling: GREEDY, maxTokens: 40 })).text)
    const together = await Promise.all(
      prompts.map((prompt) => run({ prompt, sampling: GREEDY, maxTokens: 40 })),
    )
    expect(together.map(({ text }) => text)).toEqual(alone)
  })

  it('stops for a caller who aborts, without losing the process', async () => {
    const pid = engine.pid
    const abort = new AbortController()
    const events = engine.generate({ prompt: 'Once', sampling: GREEDY }, { signal: abort.signal })
    await events.next()
    abort.abort()
    expect(await codeOf(events.next())).toBe('ENGINE_CANCELLED')
    expect((await run({ prompt: 'Once', sampling: GREEDY, maxTokens: 2 })).text).not.toBe('')
    expect(engine.pid).toBe(pid)
  })

  it('ends at the context and refuses a prompt that does not fit it', async () => {
    const { done } = await run({ prompt: 'Once', sampling: { temperature: 0, logitBias: { 2: -100 } } })
    expect(done!.finishReason).toBe('length')
    expect(done!.usage.inputTokens + done!.usage.outputTokens).toBe(512)
    expect(await codeOf(run({ prompt: 'word '.repeat(600) }))).toBe('ENGINE_CONTEXT_OVERFLOW')
  })

  it('forces the shape of an answer', async () => {
    const json = await run({
      prompt: 'A',
      sampling: { temperature: 1, seed: 2 },
      responseFormat: { type: 'json_object' },
      maxTokens: 300,
      logprobs: 0,
    })
    if (json.done!.finishReason === 'stop') expect(typeof JSON.parse(json.text)).toBe('object')
    const schema = { type: 'object', properties: { urgent: { type: 'boolean' } }, required: ['urgent'] }
    const shaped = await run({
      prompt: 'A',
      sampling: GREEDY,
      responseFormat: { type: 'json_schema', schema },
      maxTokens: 100,
    })
    expect(Object.keys(JSON.parse(shaped.text) as object)).toEqual(['urgent'])
  })

  it('calls tools from its own process', async () => {
    const parameters = { type: 'object', properties: { n: { type: 'integer' } }, required: ['n'] }
    const request: GenerateRequest = {
      messages: [{ role: 'user', content: 'Go' }],
      tools: [{ name: 'f', parameters }],
      toolChoice: { name: 'f' },
      sampling: GREEDY,
    }
    const events = await Array.fromAsync(engine.generate(request))
    const calls = events.filter((event) => event.type === 'tool-call')
    expect(calls[0]).toMatchObject({ index: 0, name: 'f' })
    expect(JSON.parse(calls.map((call) => call.arguments).join(''))).toEqual({ n: expect.any(Number) })
    expect(events.at(-1)).toMatchObject({ type: 'done', finishReason: 'tool-calls' })
  })

  it.each([
    ['both prompt and messages', { prompt: 'a', messages: [{ role: 'user', content: 'a' }] }],
    ['neither', {}],
    ['temperature 3', { prompt: 'a', sampling: { temperature: 3 } }],
    ['top-p 2', { prompt: 'a', sampling: { topP: 2 } }],
    ['a seed that is no integer', { prompt: 'a', sampling: { seed: 0.5 } }],
    ['a bias for no token', { prompt: 'a', sampling: { logitBias: { 512: 1 } } }],
    ['an empty stop string', { prompt: 'a', stop: [''] }],
    ['17 stop strings', { prompt: 'a', stop: Array.from({ length: 17 }, () => 'x') }],
    ['zero tokens', { prompt: 'a', maxTokens: 0 }],
    ['21 alternatives', { prompt: 'a', logprobs: 21 }],
    ['a token that does not exist', { prompt: [512] }],
    ['an unknown role', { messages: [{ role: 'oracle', content: 'a' }] }],
    ['no messages', { messages: [] }],
    ['tools with a prompt', { prompt: 'a', tools: [{ name: 'f' }] }],
    [
      'a choice of no tool',
      { messages: [{ role: 'user', content: 'a' }], tools: [{ name: 'f' }], toolChoice: { name: 'g' } },
    ],
    ['an echo of a conversation', { messages: [{ role: 'user', content: 'a' }], echo: true }],
    ['a schema that is a number', { prompt: 'a', responseFormat: { type: 'json_schema', schema: 5 } }],
  ])('refuses %s', async (_, request) => {
    expect(await codeOf(run(request as GenerateRequest))).toBe('ENGINE_INPUT')
  })

  it('refuses a file that is no GGUF model', async () => {
    const start = startWeights(host, { engine: 'gguf', task: 'text-generation' }, new Uint8Array(1000))
    expect(await codeOf(start)).toBe('ENGINE_MODEL_INVALID')
  })
})
