import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createHash, randomBytes } from 'node:crypto'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { imageDigest } from '@sotto/protocol/measurement'
import { claim } from '../../../../../test/claims.ts'
import type { GenerateRequest } from '../../../src/engines/types.ts'
import { Upstream, type UpstreamConfig } from '../../../src/engines/upstream/index.ts'
import { codeOf } from '../host/fake-model.ts'
import { collect } from '../real-engines.ts'
import { events, type FakeServer, json, startFake } from './fake-server.ts'

let server: FakeServer
let directory: string
let config: UpstreamConfig

const chunk = (delta: object, reason: string | null = null): object => ({
  choices: [{ index: 0, delta, finish_reason: reason }],
})
const USAGE = {
  choices: [],
  usage: { prompt_tokens: 5, completion_tokens: 2, prompt_tokens_details: { cached_tokens: 3 } },
}
const GOOD = [
  chunk({ role: 'assistant', content: 'Good ' }),
  chunk({ content: 'day' }),
  chunk({}, 'stop'),
  USAGE,
]

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'sotto-weights-'))
  writeFileSync(join(directory, 'model.bin'), 'weights', { mode: 0o644 })
  const sha256 = createHash('sha256').update('weights').digest('hex')
  server = await startFake((seen, response) =>
    seen.route === 'GET /v1/models' ? json(response, { data: [{ id: 'big' }] }) : events(response, GOOD),
  )
  config = {
    id: 'house/big',
    kind: 'openai',
    task: 'text-generation',
    url: server.url,
    model: 'big',
    weights: { directory, sha256: imageDigest([{ path: 'model.bin', mode: 0o644, sha256 }]) },
    prefixCache: 'cache_salt',
    responseCache: undefined,
    apiKeyFile: undefined,
    concurrency: 2,
  }
})
afterEach(async () => {
  await server.close()
  rmSync(directory, { recursive: true })
})
const open = (over: Partial<UpstreamConfig> = {}): Promise<Upstream> =>
  Upstream.open({ ...config, ...over }, { timeoutMs: 0 })
const body = (at = -1): Record<string, unknown> => JSON.parse(server.seen.at(at)!.body.toString()) as never
const CHAT: GenerateRequest = { messages: [{ role: 'user', content: 'Hello' }] }
const say = async (upstream: Upstream, over: Partial<GenerateRequest> = {}) =>
  collect(upstream.generate({ ...CHAT, ...over }))

describe('an OpenAI-compatible server beside the enclave', () => {
  it('maps a conversation and its answer', async () => {
    const upstream = await open()
    const { text, done } = await say(upstream, {
      sampling: { temperature: 0.5, topK: 3, seed: 7 },
      maxTokens: 9,
      stop: ['x'],
      tools: [{ name: 'look' }],
      toolChoice: { name: 'look' },
      responseFormat: { type: 'json_schema', schema: { type: 'object' } },
    })
    expect([text, done]).toEqual([
      'Good day',
      { type: 'done', finishReason: 'stop', usage: { inputTokens: 5, outputTokens: 2 } },
    ])
    expect(server.seen.at(-1)!.route).toBe('POST /v1/chat/completions')
    expect(body()).toMatchObject({
      model: 'big',
      messages: [{ role: 'user', content: 'Hello' }],
      temperature: 0.5,
      top_p: 1,
      top_k: 3,
      seed: 7,
      max_tokens: 9,
      stop: ['x'],
      tool_choice: { function: { name: 'look' } },
      response_format: { type: 'json_schema', json_schema: { schema: { type: 'object' }, strict: true } },
    })
    await collect(upstream.generate({ prompt: [1, 2] }))
    expect([server.seen.at(-1)!.route, body()['prompt']]).toEqual(['POST /v1/completions', [1, 2]])
  })

  it('passes calls on, name first', async () => {
    const call = (index: number, f: object): object => chunk({ tool_calls: [{ index, function: f }] })
    server.answer = (_, response) =>
      events(response, [
        call(0, { name: 'look', arguments: '{"a"' }),
        call(0, { arguments: ':1}' }),
        chunk({}, 'tool_calls'),
        USAGE,
      ])
    const upstream = await openAnswering()
    const found: unknown[] = []
    for await (const event of upstream.generate(CHAT)) found.push(event)
    expect(found).toMatchObject([
      { type: 'tool-call', index: 0, name: 'look', arguments: '{"a"' },
      { type: 'tool-call', index: 0, arguments: ':1}' },
      { type: 'done', finishReason: 'tool-calls' },
    ])
  })

  /** Opens while the server answers what it is asked at the start, then goes back to the test's answer. */
  async function openAnswering(over: Partial<UpstreamConfig> = {}): Promise<Upstream> {
    const { answer } = server
    server.answer = (_, response) => json(response, { data: [{ id: 'big' }] })
    const upstream = await open(over)
    server.answer = answer
    return upstream
  }

  it(
    claim(
      'T19',
      'shares a prefix under the salt of a client and never without: a salt drawn for each request',
    ),
    async () => {
      const upstream = await open()
      const salt = randomBytes(16).toString('base64url')
      await say(upstream)
      await say(upstream)
      const [first, second] = [body(-2)['cache_salt'], body(-1)['cache_salt']]
      expect([typeof first, first === second]).toEqual(['string', false])
      const { done } = await say(upstream, { cacheSalt: salt })
      const own = body()['cache_salt']
      expect([done!.usage.cachedInputTokens, own === salt]).toEqual([3, false])
      await say(upstream, { cacheSalt: salt })
      expect(body()['cache_salt']).toBe(own)
      expect(await codeOf(say(upstream, { cacheSalt: 'guessable' }))).toBe('ENGINE_INPUT')
      await say(await open({ prefixCache: 'cache_prompt' }), { cacheSalt: salt })
      expect([body()['cache_prompt'], body()['cache_salt']]).toEqual([false, undefined])
    },
  )

  it.each<[string, unknown[]]>([
    ['no reason', [chunk({ content: 'a' }), USAGE]],
    ['no usage', [chunk({ content: 'a' }, 'stop')]],
    ['an unknown reason', [chunk({}, 'content_filter'), USAGE]],
    ['text after the end', [chunk({}, 'stop'), chunk({ content: 'more' }), USAGE]],
    ['two choices', [{ choices: [{}, {}] }]],
    ['text that is a number', [chunk({ content: 7 })]],
    ['a call without a name', [chunk({ tool_calls: [{ index: 0, function: { arguments: '' } }] })]],
    ['calls out of order', [chunk({ tool_calls: [{ index: 1, function: { name: 'a' } }] })]],
    [
      'negative usage',
      [chunk({}, 'stop'), { choices: [], usage: { prompt_tokens: -1, completion_tokens: 1 } }],
    ],
    ['a list', [[1]]],
  ])('refuses an answer with %s', async (_, values) => {
    server.answer = (_seen, response) => events(response, values)
    expect(await codeOf(say(await openAnswering()))).toBe('ENGINE_PROTOCOL')
  })

  it('withholds what a server says of an error in its stream', async () => {
    server.answer = (_, response) =>
      events(response, [chunk({ content: 'a' }), { error: { message: 'the red key' } }])
    const upstream = await openAnswering()
    const error = await say(upstream).catch((cause: unknown) => cause)
    expect(error).toMatchObject({ code: 'ENGINE_FAILED' })
    expect(String(error)).not.toContain('red key')
  })

  it('knows when the server is gone, and when it is back', async () => {
    const { answer } = server
    const upstream = await open()
    expect(upstream.isReady).toBe(true)
    server.answer = (_, response) => void response.destroy()
    expect(await codeOf(say(upstream))).toBe('ENGINE_CRASHED')
    expect(upstream.isReady).toBe(false)
    server.answer = answer
    await say(upstream)
    expect(upstream.isReady).toBe(true)
  })

  it('refuses by name what the server cannot be asked', async () => {
    const upstream = await open()
    for (const over of [{ logprobs: 1 }, { sampling: { repeatPenalty: 2 } }])
      expect(await codeOf(say(upstream, over))).toBe('ENGINE_UNSUPPORTED')
    expect(await codeOf(collect(upstream.generate({ prompt: 'a', echo: true })))).toBe('ENGINE_UNSUPPORTED')
  })

  it('embeds, each vector at its place and of length one', async () => {
    server.answer = (_, response) =>
      json(response, {
        data: [
          { index: 1, embedding: [0, 2] },
          { index: 0, embedding: [3, 4] },
        ],
        usage: { prompt_tokens: 4 },
      })
    const upstream = await openAnswering({ task: 'embedding', prefixCache: 'none' })
    const { vectors, usage } = await upstream.embed({ inputs: ['a', 'b'] })
    expect(vectors.map((vector) => [...vector])).toEqual([
      [Math.fround(0.6), Math.fround(0.8)],
      [0, 1],
    ])
    expect(usage).toEqual({ inputTokens: 4, outputTokens: 0 })
    expect(await codeOf(upstream.embed({ inputs: ['a'] }))).toBe('ENGINE_PROTOCOL')
    expect(await codeOf(upstream.embed({ inputs: ['a', 'b', 'c'] }))).toBe('ENGINE_PROTOCOL')
  })
})

describe('the files of a model server', () => {
  it('have to be those the configuration names, before the server is asked anything', async () => {
    writeFileSync(join(directory, 'model.bin'), 'weightx')
    const error = await open().catch((cause: unknown) => cause)
    expect(error).toMatchObject({ code: 'ENGINE_MODEL_INVALID', expected: config.weights.sha256 })
    expect(server.seen).toEqual([])
  })

  it('have no company: another file, a link, none at all', async () => {
    writeFileSync(join(directory, 'more.py'), 'x')
    expect(await codeOf(open())).toBe('ENGINE_MODEL_INVALID')
    rmSync(join(directory, 'more.py'))
    rmSync(join(directory, 'model.bin'))
    expect(await codeOf(open())).toBe('ENGINE_MODEL_INVALID')
    symlinkSync('/etc/passwd', join(directory, 'link'))
    expect(await codeOf(open())).toBe('ENGINE_MODEL_INVALID')
    expect(await codeOf(open({ weights: { ...config.weights, directory: '/nowhere' } }))).toBe(
      'ENGINE_MODEL_INVALID',
    )
  })

  it('make the digest of receipts, with the name and the task', async () => {
    const { digest } = await open()
    expect(digest).toMatch(/^[0-9a-f]{64}$/)
    server.answer = (_, response) => json(response, { data: [{ id: 'big' }, { id: 'other' }] })
    expect((await open({ id: 'renamed' })).digest).toBe(digest)
    expect((await open({ model: 'other' })).digest).not.toBe(digest)
  })

  it('belong to a server that has the model, and is there in time', async () => {
    expect(await codeOf(open({ model: 'unknown' }))).toBe('ENGINE_MODEL_INVALID')
    await server.close()
    expect(await codeOf(open())).toBe('ENGINE_LOAD_FAILED')
    server = await startFake(() => undefined)
  })
})
