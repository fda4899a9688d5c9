import { createHash, randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { claim } from '../../../../../test/claims.ts'
import { EngineHost, type EngineProcess } from '../../../src/engines/host/index.ts'
import type { GenerateRequest } from '../../../src/engines/types.ts'
import { codeOf } from '../host/fake-model.ts'
import { collect, openRealHost, startWeights } from '../real-engines.ts'
import { testdata, testdataMissing } from '../testdata.ts'

/** A real llama-server, one static program; `node scripts/llama-cpp.ts` builds one. */
const SERVER = process.env['SOTTO_LLAMA_SERVER'] || undefined
const skipped = SERVER === undefined || testdataMissing() !== undefined
const MODEL = { engine: 'gguf', task: 'text-generation' } as const
const SECRET = 'Once upon a time Sebastian hid the red key under the third stone of the garden wall. '
const sha256Of = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')
const GREEDY = { temperature: 0 }

describe.skipIf(skipped)('a llama-server in the sandbox of an engine', () => {
  let [host, plainHost]: EngineHost[] = []
  let [engine, plain]: EngineProcess[] = []
  const run = (request: GenerateRequest, of = engine!): ReturnType<typeof collect> =>
    collect(of.generate(request))

  beforeAll(async () => {
    host = await EngineHost.open({
      entry: fileURLToPath(new URL('../../../src/engines/worker/main.ts', import.meta.url)),
      require: 'best-effort',
      llamaServer: { path: SERVER!, sha256: sha256Of(readFileSync(SERVER!)) },
    })
    plainHost = await openRealHost()
    const weights = testdata('llm/stories260K-f32.gguf')
    engine = await startWeights(host, MODEL, weights, { concurrency: 4, cancelGraceMs: 10_000 })
    plain = await startWeights(plainHost, MODEL, weights, { concurrency: 1 })
  }, 120_000)
  afterAll(() => Promise.all([host?.close(), plainHost?.close()]))

  it('continues greedily exactly as the reference does', async () => {
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

  it('says what the engine process says: stops, chats, bans, schemas, log-probabilities', async () => {
    const schema = {
      type: 'object',
      properties: { urgent: { type: 'boolean' } },
      required: ['urgent'],
      additionalProperties: false,
    }
    const requests: GenerateRequest[] = [
      { prompt: '', sampling: GREEDY, maxTokens: 200, stop: ['red ball. She'] },
      { messages: [{ role: 'user', content: 'Tell me of a dog' }], sampling: GREEDY, maxTokens: 40 },
      { prompt: 'Once', sampling: { temperature: 0, logitBias: { 2: -100, 300: -100 } }, maxTokens: 30 },
      { prompt: 'A', sampling: GREEDY, responseFormat: { type: 'json_schema', schema }, maxTokens: 60 },
    ]
    for (const request of requests) {
      const [ours, theirs] = [await run(request), await run(request, plain)]
      expect([ours.text, ours.done]).toEqual([theirs.text, theirs.done])
    }
    const request = { prompt: 'Once upon a', maxTokens: 1, logprobs: 5, sampling: GREEDY }
    const [ours, theirs] = [
      (await run(request)).deltas[0]!.logprobs![0]!,
      (await run(request, plain)).deltas[0]!.logprobs![0]!,
    ]
    expect([ours.token, ours.text, ours.top!.map(({ token }) => token)]).toEqual([
      theirs.token,
      theirs.text,
      theirs.top!.map(({ token }) => token),
    ])
    for (const [i, { logprob }] of ours.top!.entries())
      expect(logprob).toBeCloseTo(theirs.top![i]!.logprob, 2)
  })

  it(
    claim('T19', 'evaluates every token of a prefix again, but for the salt under which it was sent'),
    async () => {
      const own = randomBytes(16).toString('base64url')
      const ask = async (cacheSalt?: string): Promise<number | undefined> =>
        (await run({ prompt: SECRET, sampling: GREEDY, maxTokens: 4, ...(cacheSalt && { cacheSalt }) })).done!
          .usage.cachedInputTokens
      expect([await ask(own), await ask()]).toEqual([0, undefined])
      // `timings.prompt_n` of the server itself: what it evaluated.
      expect(await ask(own)).toBeGreaterThan(10)
      for (let i = 0; i < 5; i++) expect(await ask(randomBytes(16).toString('base64url'))).toBe(0)
    },
  )

  it(
    claim(
      'T19',
      "lets no word of one client appear in another's answer, and answers each as if it were alone",
    ),
    async () => {
      const probe = (prompt: string): Promise<unknown> =>
        run({ prompt, sampling: GREEDY, maxTokens: 20 }).then(({ text }) => text)
      const prompts = ['My name is', 'The dog', 'A cat', 'One day']
      const alone: unknown[] = []
      for (const prompt of prompts) alone.push(await probe(prompt))
      for (let i = 0; i < 4; i++)
        await run({ prompt: `My name is ${SECRET}`, sampling: GREEDY, maxTokens: 20 })
      expect(await Promise.all(prompts.map(probe))).toEqual(alone)
    },
  )

  it('frees the slots of cancelled answers', async () => {
    const { pid } = engine!
    const endless = { prompt: 'Once', sampling: { temperature: 0, logitBias: { 2: -100 } } }
    const running = Array.from({ length: 4 }, () => engine!.generate(endless))
    await Promise.all(running.map((events) => events.next()))
    const next = run({ prompt: 'The dog', sampling: GREEDY, maxTokens: 4 })
    expect(engine!.counters).toMatchObject({ running: 4, waiting: 1 })
    await Promise.all(running.map((events) => events.return()))
    expect((await next).text).not.toBe('')
    expect(engine!.pid).toBe(pid)
  })

  it('refuses a prompt longer than the context, and a file that is no model', async () => {
    expect(await codeOf(run({ prompt: 'word '.repeat(600) }))).toBe('ENGINE_CONTEXT_OVERFLOW')
    expect(await codeOf(startWeights(host!, MODEL, new Uint8Array(1000)))).toBe('ENGINE_MODEL_INVALID')
  })
})
