import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import OpenAI, { AzureOpenAI, toFile } from 'openai'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startProxy, type RunningProxy } from '@sotto/client/proxy'
import type { Sotto } from '@sotto/client'
import { canonicalJson } from '@sotto/protocol/jcs'
import { parseSavedReceipt } from '@sotto/protocol/receipts'
import { verifyReceipt } from '@sotto/verifier'
import { wordErrorRate } from '../../packages/cli/src/demo/wer.ts'
import { claim } from '../claims.ts'
import { clientOf, demoRecording, startTestStack, testdata, type TestStack } from './support.ts'

const CHAT = 'sotto-tiny-story-en'
const SPEECH = 'sotto-ctc-synthetic-en'

let stack: TestStack
let sotto: Sotto
let proxy: RunningProxy
let recording: Buffer<ArrayBuffer>
let reference: string

beforeAll(async () => {
  stack = await startTestStack()
  sotto = await clientOf(stack)
  proxy = await startProxy({ sotto, port: 0 })
  recording = await demoRecording(stack.layout)
  reference = await readFile(join(stack.layout.models, 'demo', 'session-note.txt'), 'utf8')
})
afterAll(async () => {
  await proxy?.close()
  await stack?.close()
})

const file = (name = 'note.wav'): Promise<File> => toFile(recording, name)

const direct = (): OpenAI =>
  new OpenAI({ baseURL: sotto.baseURL, fetch: sotto.fetch, apiKey: 'sk-not-sent', maxRetries: 0 })
const proxied = (): OpenAI => new OpenAI({ baseURL: `${proxy.url}/v1`, apiKey: 'sk-not-sent', maxRetries: 0 })
const azure = (): AzureOpenAI =>
  new AzureOpenAI({ endpoint: proxy.url, apiKey: 'not-sent', apiVersion: '2024-10-21', maxRetries: 0 })

describe.each([
  ['over sotto.fetch', direct],
  ['through the proxy', proxied],
])('the openai SDK %s', (_name, client) => {
  it('lists the models', async () => {
    const ids: string[] = []
    for await (const { id } of client().models.list()) ids.push(id)
    expect(ids).toEqual(expect.arrayContaining([CHAT, SPEECH, 'sotto-extractive', 'sotto-hash-embed']))
  })

  it('chats, whole', async () => {
    const { choices, usage } = await client().chat.completions.create({
      model: CHAT,
      messages: [{ role: 'user', content: 'Who can read my words?' }],
      max_tokens: 20,
      temperature: 0,
    })
    expect(choices[0]!.message.content).toMatch(/\w+/)
    expect(usage!.total_tokens).toBe(usage!.prompt_tokens + usage!.completion_tokens)
    expect(usage!.completion_tokens).toBeLessThanOrEqual(20)
  })

  it('chats, streamed with usage, to the same words', async () => {
    const request = {
      model: CHAT,
      messages: [{ role: 'user' as const, content: 'Who can read my words?' }],
      max_tokens: 20,
      temperature: 0,
    }
    const whole = await client().chat.completions.create(request)
    let text = ''
    let tokens: number | undefined
    const stream = await client().chat.completions.create({
      ...request,
      stream: true,
      stream_options: { include_usage: true },
    })
    for await (const { choices, usage } of stream) {
      text += choices[0]?.delta.content ?? ''
      tokens = usage?.completion_tokens ?? tokens
    }
    expect(text).toBe(whole.choices[0]!.message.content)
    expect(tokens).toBe(whole.usage!.completion_tokens)
  })

  it('completes text', async () => {
    const { choices } = await client().completions.create({
      model: CHAT,
      prompt: 'Once upon a time',
      max_tokens: 12,
      seed: 7,
    })
    expect(choices[0]!.text.length).toBeGreaterThan(0)
  })

  it('embeds: like texts lie closer than unlike ones', async () => {
    const { data } = await client().embeddings.create({
      model: 'sotto-hash-embed',
      input: ['a walk by the river', 'a long walk by the river', 'quarterly tax return form'],
    })
    const [a, b, c] = data.map(({ embedding }) => embedding)
    const dot = (x: number[], y: number[]): number => x.reduce((sum, value, i) => sum + value * y[i]!, 0)
    expect(dot(a!, b!)).toBeGreaterThan(dot(a!, c!) + 0.2)
  })

  it('uploads a recording and gets json, verbose_json and srt', async () => {
    const { transcriptions } = client().audio
    const json = await transcriptions.create({ file: await file(), model: SPEECH })
    expect(wordErrorRate(reference, json.text)).toBeLessThan(0.45)
    const verbose = await transcriptions.create({
      file: await file(),
      model: SPEECH,
      response_format: 'verbose_json',
    })
    expect(verbose.text).toBe(json.text)
    expect(Number(verbose.duration)).toBeGreaterThan(5)
    expect(verbose.segments!.length).toBeGreaterThan(0)
    const srt = (await transcriptions.create({
      file: await file(),
      model: SPEECH,
      response_format: 'srt',
    })) as unknown as string
    expect(srt).toMatch(/^1\n00:00:\d\d,\d{3} --> 00:00:\d\d,\d{3}\n/)
  })

  it('streams a transcript to the same words', async () => {
    const { transcriptions } = client().audio
    const stream = await transcriptions.create({ file: await file(), model: SPEECH, stream: true })
    let deltas = ''
    let done = ''
    for await (const event of stream) {
      if (event.type === 'transcript.text.delta') deltas += event.delta
      if (event.type === 'transcript.text.done') done = event.text
    }
    expect(wordErrorRate(reference, done)).toBeLessThan(0.45)
    expect(deltas.trim()).toBe(done.trim())
  })
})

describe('the AzureOpenAI SDK through the proxy', () => {
  it('chats with a deployment', async () => {
    const answer = await azure().chat.completions.create({
      model: CHAT,
      messages: [{ role: 'user', content: 'Who can read my words?' }],
      max_tokens: 12,
    })
    expect(answer.choices[0]!.message.content!.length).toBeGreaterThan(0)
    expect(answer.model).toBe(CHAT)
  })

  it('uploads a recording to a deployment', async () => {
    const { text } = await azure().audio.transcriptions.create({ file: await file(), model: SPEECH })
    expect(wordErrorRate(reference, text)).toBeLessThan(0.45)
  })
})

describe('receipts', () => {
  it(claim('chain.inference-receipt', 'come with every complete answer and verify'), async () => {
    const before = sotto.receipts.length
    const { response } = await direct()
      .embeddings.create({ model: 'sotto-hash-embed', input: 'x' })
      .withResponse()
    const saved = await sotto.receiptOf(response)
    expect(saved).toMatchObject({ version: 1 })
    expect(sotto.receipts.slice(before).map(({ status }) => status)).toEqual(['verified'])
    expect(sotto.receipts.every(({ status }) => status === 'verified')).toBe(true)
    // From the bytes of a file, down to hardware and code of the KMS, as of the checkpoint in it.
    const { ok, steps } = verifyReceipt(parseSavedReceipt(canonicalJson(saved)), stack.policy)
    expect(steps.filter(({ status }) => status === 'fail')).toEqual([])
    expect(ok).toBe(true)
    expect(steps.at(-1)).toMatchObject({ name: 'receipt.trust', status: 'pass' })
  })
})

const audio = testdata('audio')
describe.skipIf(audio === undefined)('recordings in other formats', () => {
  const transcribe = async (name: string): Promise<{ status: number; text: string; code: string }> => {
    const form = new FormData()
    form.append('file', new Blob([(await readFile(join(audio!, name))) as Buffer<ArrayBuffer>]), name)
    const response = await sotto.fetch(`${sotto.baseURL}/audio/transcriptions`, {
      method: 'POST',
      body: form,
    })
    const body = (await response.json()) as { text?: string; error?: { code: string; type: string } }
    return { status: response.status, text: body.text ?? '', code: body.error?.code ?? '' }
  }

  it.each(['jfk', '1272-141231-0002'])('%s sounds nearly the same as WAV, MP3 and FLAC', async (name) => {
    const [wav, mp3, flac] = await Promise.all(
      ['wav', 'mp3', 'flac'].map((type) => transcribe(`${name}.${type}`)),
    )
    for (const answer of [wav, mp3, flac]) expect(answer).toMatchObject({ status: 200 })
    expect(wav!.text.length).toBeGreaterThan(40)
    // Real speech, which the small model hears as other words: mostly as the same ones.
    for (const other of [mp3!, flac!]) expect(difference(wav!.text, other.text)).toBeLessThan(0.45)
  })

  it.each(['silero_test.opus', 'stereo.opus', 'vosk_digits.wav'])('%s is answered', async (name) => {
    expect(await transcribe(name)).toMatchObject({ status: 200 })
  })

  it.each(['malformed-awful.wav', 'malformed-bad.wav', 'malformed-evil.wav', 'malformed-null.wav'])(
    '%s is refused with its reason',
    async (name) => {
      const { status, code } = await transcribe(name)
      expect(status).toBe(400)
      expect(code).toMatch(/^audio_(malformed|empty|unsupported|format_unknown)$/)
    },
  )
})

/** Characters that differ, as a share of the reference. */
function difference(reference: string, found: string): number {
  return wordErrorRate([...reference.replaceAll(' ', '')].join(' '), [...found.replaceAll(' ', '')].join(' '))
}

describe('bad input gets the OpenAI envelope', () => {
  const failure = async (promise: Promise<unknown>): Promise<unknown> =>
    promise.catch((error: unknown) => error)

  it.each([
    ['over sotto.fetch', direct],
    ['through the proxy', proxied],
  ])('a model that does not exist, %s', async (_name, client) => {
    const messages = [{ role: 'user' as const, content: 'hi' }]
    expect(await failure(client().chat.completions.create({ model: 'gpt-none', messages }))).toMatchObject({
      status: 404,
      code: 'model_not_found',
      param: 'model',
      type: 'invalid_request_error',
    })
  })

  it('an empty file', async () => {
    const empty = toFile(new Uint8Array(0), 'empty.wav')
    const error = await failure(proxied().audio.transcriptions.create({ file: await empty, model: SPEECH }))
    expect(error).toMatchObject({ status: 400, code: expect.stringMatching(/^(audio|api)_/) })
  })

  it('an unknown route', async () => {
    const response = await sotto.fetch(`${sotto.baseURL}/nothing-here`, { method: 'POST', body: '{}' })
    expect(response.status).toBe(404)
    expect(await response.json()).toMatchObject({
      error: { code: 'api_route_not_found', type: 'invalid_request_error', message: expect.any(String) },
    })
  })

  it('a body that is not JSON', async () => {
    const headers = { 'content-type': 'application/json' }
    const response = await sotto.fetch(`${sotto.baseURL}/chat/completions`, {
      method: 'POST',
      headers,
      body: '{"',
    })
    expect(response.status).toBe(400)
    expect(await response.json()).toMatchObject({ error: { code: 'api_invalid' } })
  })
})

describe('the proxy', () => {
  it(claim('T21', 'refuses another Host and a page of another origin'), async () => {
    const page = await fetch(`${proxy.url}/v1/models`, { headers: { origin: 'https://evil.example' } })
    expect(page.status).toBe(403)
    const { request } = await import('node:http')
    const status = await new Promise<number>((resolve, reject) => {
      request(`${proxy.url}/v1/models`, { headers: { host: 'evil.example' } }, (response) => {
        response.resume()
        resolve(response.statusCode!)
      })
        .once('error', reject)
        .end()
    })
    expect(status).toBeGreaterThanOrEqual(400)
  })
})
