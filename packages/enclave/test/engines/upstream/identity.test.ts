import { createHash } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import type { ServerResponse } from 'node:http'
import { Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { imageDigest } from '@sotto/protocol/measurement'
import { claim } from '../../../../../test/claims.ts'
import { Upstream, type UpstreamConfig } from '../../../src/engines/upstream/index.ts'
import { KeptConnection } from '../../../src/engines/upstream/kept-connection.ts'
import { codeOf } from '../host/fake-model.ts'
import { collect } from '../real-engines.ts'
import { events, type FakeServer, json, type Seen, startFake } from './fake-server.ts'

const GOOD = [
  { choices: [{ index: 0, delta: { content: 'hi' }, finish_reason: 'stop' }] },
  { choices: [], usage: { prompt_tokens: 1, completion_tokens: 1 } },
]
const PORT = { name: 'x', datatype: 'FP32', shape: [-1] }
const OUTPUT = { outputs: [{ ...PORT, shape: [1], data: [1] }] }

let directory: string
let server: FakeServer
/** What the server is, and is restarted as. */
let model: string
let metadata: object
let extensions: string[]
let config: UpstreamConfig
let failed: Error[]

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'sotto-identity-'))
  writeFileSync(join(directory, 'model.bin'), 'weights', { mode: 0o644 })
  const sha256 = createHash('sha256').update('weights').digest('hex')
  model = 'big'
  metadata = { name: 'big', inputs: [PORT], outputs: [PORT] }
  extensions = []
  failed = []
  server = await startFake(answer)
  config = {
    id: 'house/big',
    kind: 'openai',
    task: 'text-generation',
    url: server.url,
    model: 'big',
    weights: { directory, sha256: imageDigest([{ path: 'model.bin', mode: 0o644, sha256 }]) },
    prefixCache: 'none',
    responseCache: undefined,
    apiKeyFile: undefined,
    concurrency: 4,
  }
})
afterEach(async () => {
  await server.close()
  rmSync(directory, { recursive: true })
})

function answer({ route }: Seen, response: ServerResponse): void {
  if (route === 'GET /v1/models') json(response, { data: [{ id: model }] })
  else if (route === 'GET /v2') json(response, { extensions })
  else if (route.endsWith('/config')) json(response, { response_cache: { enable: true } })
  else if (route.endsWith('/infer')) json(response, OUTPUT)
  else if (route.startsWith('GET')) json(response, metadata)
  else events(response, GOOD)
}

/** Another process at the same address. */
async function restart(): Promise<void> {
  const { port } = server
  await server.close()
  server = await startFake(answer, port)
}

const open = (over: Partial<UpstreamConfig> = {}): Promise<Upstream> =>
  Upstream.open({ ...config, ...over }, { timeoutMs: 0, onFailed: (reason) => void failed.push(reason) })
const TENSORS = { kind: 'kserve', task: 'tensors', prefixCache: undefined, responseCache: 'none' } as const
const say = async (upstream: Upstream): Promise<string> =>
  (await collect(upstream.generate({ prompt: 'a' }))).text
const asked = (route: string): number => server.seen.filter((seen) => seen.route === route).length
const input = { ...PORT, datatype: 'FP32' as const, shape: [1], data: new Uint8Array(4) }

describe('who answers at the address of a model server', () => {
  it('is asked once for as long as it is the same process', async () => {
    const upstream = await open()
    for (let i = 0; i < 5; i++) expect(await say(upstream)).toBe('hi')
    expect(asked('GET /v1/models')).toBe(1)
    upstream.close()
  })

  it('is asked again after a restart, by one of all who wait, and goes on where it is the same', async () => {
    const upstream = await open()
    await restart()
    expect(await Promise.all([say(upstream), say(upstream), say(upstream)])).toEqual(['hi', 'hi', 'hi'])
    expect(asked('GET /v1/models')).toBe(1)
    expect(await say(upstream)).toBe('hi')
    expect([asked('GET /v1/models'), failed]).toEqual([1, []])
    upstream.close()
  })

  it(
    claim('T7', 'gets no request any more once it came back with another model, also when that is undone'),
    async () => {
      const upstream = await open()
      model = 'other'
      await restart()
      expect(await codeOf(say(upstream))).toBe('ENGINE_MODEL_INVALID')
      expect([upstream.isReady, asked('POST /v1/completions')]).toEqual([false, 0])
      model = 'big'
      await restart()
      expect(await codeOf(say(upstream))).toBe('ENGINE_MODEL_INVALID')
      expect([server.seen.length, failed.map(({ message }) => message)]).toEqual([
        0,
        ['the model server does not have this model'],
      ])
    },
  )

  it(
    claim('T7', 'gets no request any more once it came back after the files of its model were changed'),
    async () => {
      const upstream = await open()
      writeFileSync(join(directory, 'model.bin'), 'weightx')
      expect(await say(upstream), 'the process that read the right ones').toBe('hi')
      await restart()
      const error = await say(upstream).catch((cause: unknown) => cause)
      expect(error).toMatchObject({ code: 'ENGINE_MODEL_INVALID', expected: config.weights.sha256 })
      expect([server.seen.length, failed.length]).toEqual([0, 1])
    },
  )

  it('is refused with other tensors than it had', async () => {
    const upstream = await open(TENSORS)
    expect(await upstream.infer({ inputs: [input] })).toMatchObject([{ name: 'x' }])
    metadata = { ...metadata, inputs: [{ ...PORT, shape: [3] }] }
    await restart()
    expect(await codeOf(upstream.infer({ inputs: [input] }))).toBe('ENGINE_MODEL_INVALID')
    expect(asked('POST /v2/models/big/infer')).toBe(0)
  })

  const closing: FakeServer['answer'] = (seen, response) => {
    response.setHeader('connection', 'close')
    answer(seen, response)
  }

  it(
    claim('T7', 'is refused where it keeps no connection: nobody could tell when it is replaced'),
    async () => {
      server.answer = closing
      const error = await open().catch((cause: unknown) => cause)
      expect(error).toMatchObject({ code: 'ENGINE_LOAD_FAILED', found: 'connection: close' })
      server.answer = answer
      const upstream = await open()
      await restart()
      server.answer = closing
      expect(await codeOf(say(upstream))).toBe('ENGINE_LOAD_FAILED')
      expect(asked('POST /v1/completions')).toBe(0)
      // It may have been about to end: the one that comes then is asked again.
      server.answer = answer
      expect([await say(upstream), failed]).toEqual(['hi', []])
      upstream.close()
    },
  )

  it('is refused where it keeps the connection after some of its answers only', async () => {
    server.answer = (seen, response) => (seen.route.endsWith('/ready') ? closing : answer)(seen, response)
    expect(await codeOf(open(TENSORS))).toBe('ENGINE_LOAD_FAILED')
  })

  it('is not believed where its answers came over two connections: they may be those of two processes', async () => {
    const kept = new KeptConnection()
    const [first, second] = [new Socket(), new Socket()]
    kept.use(first)
    kept.use(first)
    expect([kept.isOpen, kept.isOne]).toEqual([true, true])
    first.destroy()
    kept.use(second)
    expect([kept.isOpen, kept.isOne, second.destroyed]).toEqual([false, false, false])
    second.destroy()
    kept.close()
    // One that keeps its connection for no time is asked again from the beginning.
    let isShort = true
    server.answer = (seen, response) => {
      if (isShort) response.setHeader('connection', 'keep-alive').setHeader('keep-alive', 'timeout=1')
      answer(seen, response)
      if (seen.route === 'GET /v2') isShort = false
    }
    const upstream = await Upstream.open({ ...config, ...TENSORS }, { timeoutMs: 10_000 })
    expect(await upstream.infer({ inputs: [input] })).toMatchObject([{ name: 'x' }])
    expect(asked('GET /v2/models/big/ready')).toBe(2)
    upstream.close()
  })

  it('says little of what it has, or is not believed', async () => {
    server.answer = (seen, response) =>
      seen.route === 'GET /v1/models'
        ? json(response, { data: [{ id: 'big' }], more: 'x'.repeat(2 ** 20) })
        : answer(seen, response)
    expect(await codeOf(open())).toBe('ENGINE_ANSWER_TOO_LARGE')
  })

  it('is not given up because it is away: those who ask meanwhile may ask again', async () => {
    const upstream = await open()
    const { port } = server
    await server.close()
    expect(await codeOf(say(upstream))).toBe('ENGINE_CRASHED')
    expect([upstream.isReady, failed]).toEqual([false, []])
    server = await startFake(answer, port)
    expect(await say(upstream)).toBe('hi')
    expect(upstream.isReady).toBe(true)
    upstream.close()
  })

  it('does not keep a caller who leaves while it is asked', async () => {
    const upstream = await open()
    await restart()
    server.answer = () => undefined
    const leaving = new AbortController()
    const waiting = codeOf(collect(upstream.generate({ prompt: 'a' }, leaving.signal)))
    while (server.seen.length === 0) await new Promise((resolve) => setTimeout(resolve, 5))
    leaving.abort()
    expect(await waiting).toBe('ENGINE_CANCELLED')
  })
})

describe('a Triton beside the enclave', () => {
  it(claim('T19', 'is refused where it answers with what it computed for another client'), async () => {
    extensions = ['binary_tensor_data', 'model_configuration']
    const error = await open(TENSORS).catch((cause: unknown) => cause)
    expect(error).toMatchObject({ code: 'ENGINE_MODEL_INVALID', found: 'response_cache { enable: true }' })
    server.answer = (seen, response) =>
      seen.route.endsWith('/config')
        ? json(response, { response_cache: { enable: false } })
        : answer(seen, response)
    await open(TENSORS)
  })

  it('is waited for while it loads its model', async () => {
    let left = 2
    server.answer = (seen, response) =>
      seen.route.endsWith('/ready') && left-- > 0 ? json(response, {}, 400) : answer(seen, response)
    await Upstream.open({ ...config, ...TENSORS }, { timeoutMs: 10_000 })
    expect(asked('GET /v2/models/big/ready')).toBe(3)
  })
})
