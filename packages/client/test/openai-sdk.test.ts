import OpenAI, { AzureOpenAI, NotFoundError, toFile } from 'openai'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { connect, type Sotto } from '../src/index.ts'
import { type RunningProxy, startProxy } from '../src/proxy/index.ts'
import { createService, type FakeService, RELAY } from './support/service.ts'

let proxy: RunningProxy | undefined
afterEach(async () => {
  await proxy?.close()
  proxy = undefined
})

async function open(app: (request: Request) => Response | Promise<Response>): Promise<[FakeService, Sotto]> {
  const service = await createService()
  service.knobs.app = app
  return [
    service,
    await connect(RELAY, { policy: service.world.policy, fetch: service.fetch, now: service.now }),
  ]
}

const chunk = (delta: object, finish: string | null = null): string =>
  `data: ${JSON.stringify({ id: 'c', object: 'chat.completion.chunk', created: 1, model: 'm', choices: [{ index: 0, delta, finish_reason: finish }] })}\n\n`

function chatStream(): Response {
  const events = [
    chunk({ role: 'assistant' }),
    chunk({ content: 'Hel' }),
    ':        \n\n',
    chunk({ content: 'lo' }),
    chunk({}, 'stop'),
    'data: [DONE]\n\n',
  ]
  const body = new ReadableStream<Uint8Array>({
    pull(controller) {
      const event = events.shift()
      if (event === undefined) controller.close()
      else controller.enqueue(new TextEncoder().encode(event))
    },
  })
  return new Response(body, { headers: { 'content-type': 'text/event-stream' } })
}

async function transcription(request: Request): Promise<Response> {
  const form = await request.formData()
  const file = form.get('file') as File
  return Response.json({ text: `${[...form.keys()].join(',')} ${form.get('model')} ${file.size}` })
}

describe('the openai SDK over sotto.fetch', () => {
  const client = (sotto: Sotto): OpenAI =>
    new OpenAI({ baseURL: sotto.baseURL, fetch: sotto.fetch, apiKey: 'not sent', maxRetries: 0 })

  it('streams a chat', async () => {
    const [service, sotto] = await open(chatStream)
    const stream = await client(sotto).chat.completions.create({
      model: 'm',
      stream: true,
      messages: [{ role: 'user', content: 'hi' }],
    })
    let text = ''
    for await (const event of stream) text += event.choices[0]?.delta.content ?? ''
    expect(text).toBe('Hello')
    await vi.waitFor(() => expect(sotto.receipts.map(({ status }) => status)).toEqual(['verified']), {
      timeout: 10_000,
    })
    expect(Object.keys(service.innerCalls[0]!.headers).sort()).toEqual(['accept', 'content-type', 'date'])
    expect(JSON.stringify(service.outerCalls.map(({ headers }) => headers))).not.toMatch(
      /stainless|not sent|openai/i,
    )
  })

  it('uploads a recording, fields first, and gets a receipt for it', async () => {
    const [, sotto] = await open(transcription)
    const file = await toFile(new Uint8Array(100_000), 'speech.wav')
    const { data, response } = await client(sotto)
      .audio.transcriptions.create({ file, model: 'whisper' })
      .withResponse()
    expect(data.text).toBe('model,file whisper 100000')
    await expect(sotto.receiptOf(response)).resolves.toMatchObject({ version: 1 })
  })

  it('sees inner errors as its own classes', async () => {
    const [, sotto] = await open(() =>
      Response.json(
        {
          error: {
            message: 'no such model',
            type: 'invalid_request_error',
            param: 'model',
            code: 'model_not_found',
          },
        },
        { status: 404 },
      ),
    )
    await expect(client(sotto).models.retrieve('x')).rejects.toBeInstanceOf(NotFoundError)
  })

  it('fails when a stream is cut', async () => {
    const [service, sotto] = await open(chatStream)
    service.knobs.mangle = async function* (sealed) {
      yield* (await Array.fromAsync(sealed)).slice(0, -4)
    }
    const stream = await client(sotto).chat.completions.create({ model: 'm', stream: true, messages: [] })
    await expect(Array.fromAsync(stream)).rejects.toMatchObject({ code: 'RESPONSE_TRUNCATED' })
  })
})

describe('SDKs through the proxy', () => {
  it('openai: chat stream and upload', async () => {
    const [, sotto] = await open((request) =>
      request.url.endsWith('/chat/completions') ? chatStream() : transcription(request),
    )
    proxy = await startProxy({ sotto, port: 0, apiKey: 'local' })
    const client = new OpenAI({ baseURL: `${proxy.url}/v1`, apiKey: 'local', maxRetries: 0 })
    const stream = await client.chat.completions.create({ model: 'm', stream: true, messages: [] })
    const texts = (await Array.fromAsync(stream)).map((event) => event.choices[0]?.delta.content ?? '')
    expect(texts.join('')).toBe('Hello')
    await vi.waitFor(() => expect(sotto.receipts.map(({ status }) => status)).toEqual(['verified']), {
      timeout: 10_000,
    })
    const file = await toFile(new Uint8Array(300_000), 'speech.wav')
    const { text } = await client.audio.transcriptions.create({ file, model: 'whisper' })
    expect(text).toMatch(/ whisper 300000$/)
  })

  it('openai: the named events of a response', async () => {
    const [, sotto] = await open(() => {
      const response = { id: 'resp_1', object: 'response', status: 'completed', output: [] }
      const events = ['response.created', 'response.completed'].map(
        (type, sequence_number) =>
          `event: ${type}\ndata: ${JSON.stringify({ type, sequence_number, response })}\n\n`,
      )
      return new Response(events.join(''), { headers: { 'content-type': 'text/event-stream' } })
    })
    proxy = await startProxy({ sotto, port: 0, apiKey: 'local' })
    const client = new OpenAI({ baseURL: `${proxy.url}/v1`, apiKey: 'local', maxRetries: 0 })
    const stream = await client.responses.create({ model: 'm', input: 'hi', stream: true })
    const events = await Array.fromAsync(stream)
    expect(events.map(({ type }) => type)).toEqual(['response.created', 'response.completed'])
  })

  it('AzureOpenAI: chat and upload by deployment', async () => {
    const models: unknown[] = []
    const [, sotto] = await open(async (request) => {
      if (!request.url.endsWith('/chat/completions')) return transcription(request)
      models.push(((await request.json()) as { model: string }).model)
      return Response.json({
        id: 'c',
        object: 'chat.completion',
        choices: [{ index: 0, message: { role: 'assistant', content: 'Hi' } }],
      })
    })
    proxy = await startProxy({ sotto, port: 0, apiKey: 'local' })
    const client = new AzureOpenAI({
      endpoint: proxy.url,
      apiKey: 'local',
      apiVersion: '2024-10-21',
      deployment: 'gpt',
      maxRetries: 0,
    })
    const answer = await client.chat.completions.create({
      model: 'ignored',
      messages: [{ role: 'user', content: 'hi' }],
    })
    expect([answer.choices[0]!.message.content, models]).toEqual(['Hi', ['gpt']])
    const file = await toFile(new Uint8Array(1000), 'speech.wav')
    const { text } = await client.audio.transcriptions.create({ file, model: 'ignored' })
    expect(text).toBe('model,file gpt 1000')
  })

  it('are told at once when verification is refused', async () => {
    const service = await createService()
    let now = service.world.now
    const sotto = await connect(RELAY, { policy: service.world.policy, fetch: service.fetch, now: () => now })
    proxy = await startProxy({ sotto, port: 0 })
    now += 100_000
    const client = new OpenAI({ baseURL: `${proxy.url}/v1`, apiKey: 'any' })
    await expect(client.models.list()).rejects.toMatchObject({ status: 502, code: 'sotto_verify_refused' })
    expect(service.innerCalls).toEqual([])
  })
})
