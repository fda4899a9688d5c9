import { createReadStream, createWriteStream, readFileSync, readdirSync, readlinkSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import OpenAI, { AzureOpenAI } from 'openai'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startProxy, type RunningProxy } from '@sotto/client/proxy'
import type { Sotto } from '@sotto/client'
import { claim } from '../claims.ts'
import { clientOf, startTestStack, type TestStack } from './support.ts'

const SPEECH = 'sotto-ctc-synthetic-en'
const RATE = 16_000
const MIB = 2 ** 20
/** The largest recording of this stack: `sotto up --max-upload 25MiB`. */
const LIMIT = 25 * MIB
const MAX_GROWTH_KIB = 16 * 1024

let stack: TestStack
let sotto: Sotto
let proxy: RunningProxy
let folder: string

beforeAll(async () => {
  stack = await startTestStack({ maxUploadBytes: LIMIT })
  sotto = await clientOf(stack)
  proxy = await startProxy({ sotto, port: 0 })
  folder = await mkdtemp(join(tmpdir(), 'sotto-uploads-'))
})
afterAll(async () => {
  await proxy?.close()
  await stack?.close()
  await rm(folder, { recursive: true, force: true })
})

/** A WAV file of exactly so many bytes: a tone in the first second of every minute. */
function* wav(bytes: number): Generator<Uint8Array> {
  const header = Buffer.alloc(44)
  header.write('RIFF', 0)
  header.writeUInt32LE(bytes - 8, 4)
  header.write('WAVEfmt ', 8)
  header.writeUInt32LE(16, 16)
  header.writeUInt16LE(1, 20)
  header.writeUInt16LE(1, 22)
  header.writeUInt32LE(RATE, 24)
  header.writeUInt32LE(2 * RATE, 28)
  header.writeUInt16LE(2, 32)
  header.writeUInt16LE(16, 34)
  header.write('data', 36)
  header.writeUInt32LE(bytes - 44, 40)
  yield header
  const tone = Buffer.alloc(2 * RATE)
  for (let i = 0; i < RATE; i++) tone.writeInt16LE(Math.round(6000 * Math.sin(i / 5)), 2 * i)
  for (let at = 44, second = 0; at < bytes; at += tone.length, second++) {
    const block = second % 60 === 0 ? tone : Buffer.alloc(tone.length)
    yield Buffer.from(block.subarray(0, bytes - at))
  }
}

async function wavFile(bytes: number): Promise<string> {
  const path = join(folder, `${bytes}.wav`)
  await pipeline(Readable.from(wav(bytes)), createWriteStream(path))
  return path
}

const seconds = (bytes: number): number => (bytes - 44) / (2 * RATE)

/** An SDK as its users set it up, retries included, that counts what it sends. */
function counted(options: ConstructorParameters<typeof OpenAI>[0]): { client: OpenAI; calls: () => number } {
  let calls = 0
  const send = options?.fetch ?? globalThis.fetch
  const fetch: typeof send = (url, init) => (calls++, send(url, init))
  return { client: new OpenAI({ apiKey: 'sk-not-sent', ...options, fetch }), calls: () => calls }
}
const direct = () => counted({ baseURL: sotto.baseURL, fetch: sotto.fetch })
const proxied = () => counted({ baseURL: `${proxy.url}/v1` })

/** What `curl -F file=@big.wav -F model=…` sends: the file before the fields, no length. */
async function* curlForm(bytes: number, fields: Record<string, string>): AsyncGenerator<Uint8Array> {
  yield Buffer.from('--B\r\nContent-Disposition: form-data; name="file"; filename="big.wav"\r\n\r\n')
  yield* wav(bytes)
  for (const [name, value] of Object.entries(fields))
    yield Buffer.from(`\r\n--B\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}`)
  yield Buffer.from('\r\n--B--\r\n')
}

function curl(bytes: number, fields: Record<string, string>, signal?: AbortSignal): Promise<Response> {
  return fetch(`${proxy.url}/v1/audio/transcriptions`, {
    method: 'POST',
    headers: { 'content-type': 'multipart/form-data; boundary=B' },
    body: Readable.toWeb(Readable.from(curlForm(bytes, fields))) as BodyInit,
    duplex: 'half',
    ...(signal && { signal }),
  } as RequestInit)
}

const enclave = (): number => stack.roles.find(({ name }) => name === 'inference')!.pid

/** Files in RAM that wait for their fields: those of the weights are read-only and stay. */
function waitingFiles(): number {
  return readdirSync(`/proc/${enclave()}/fd`).filter((fd) => {
    try {
      const isUnnamed = readlinkSync(`/proc/${enclave()}/fd/${fd}`).startsWith('/dev/shm/#')
      const flags = /flags:\s+(\d+)/.exec(readFileSync(`/proc/${enclave()}/fdinfo/${fd}`, 'utf8'))![1]!
      return isUnnamed && (parseInt(flags, 8) & 3) !== 0
    } catch {
      return false
    }
  }).length
}

describe.each([
  ['over sotto.fetch', direct],
  ['through the proxy', proxied],
])('the openai SDK %s', (_name, open) => {
  it('uploads 13 MB, the file before every other field', { timeout: 60_000 }, async () => {
    const bytes = 13_000_000
    const { client, calls } = open()
    const answer = await client.audio.transcriptions.create({
      file: createReadStream(await wavFile(bytes)),
      model: SPEECH,
      language: 'en',
      response_format: 'verbose_json',
      timestamp_granularities: ['segment'],
    })
    expect(answer).toMatchObject({ text: expect.any(String), language: 'en', task: 'transcribe' })
    expect(Number(answer.duration)).toBeCloseTo(seconds(bytes), 1)
    expect(calls()).toBe(1)
  })

  it('is told once, and clearly, of one byte more than the limit', { timeout: 60_000 }, async () => {
    const { client, calls } = open()
    const file = createReadStream(await wavFile(LIMIT + 1))
    const error = await client.audio.transcriptions.create({ file, model: SPEECH }).catch((e: unknown) => e)
    expect(error).toBeInstanceOf(OpenAI.APIError)
    expect(error).toMatchObject({ status: 413, code: 'api_too_large', type: 'invalid_request_error' })
    expect(calls()).toBe(1)
  })
})

it('the AzureOpenAI SDK uploads 13 MB to a deployment', { timeout: 60_000 }, async () => {
  const azure = new AzureOpenAI({ endpoint: proxy.url, apiKey: 'not-sent', apiVersion: '2024-10-21' })
  const file = createReadStream(await wavFile(13_000_000))
  const { text } = await azure.audio.transcriptions.create({ file, model: SPEECH, language: 'en' })
  expect(text).toEqual(expect.any(String))
})

describe('a recording of exactly the limit', () => {
  it('passes with its file first, and nobody grows by its size', { timeout: 90_000 }, async () => {
    const watched = stack.roles.filter(({ name }) => name === 'relay' || name === 'inference')
    // Warm: code is loaded and the first buffers exist before growth is counted.
    expect((await curl(2 * MIB, { model: SPEECH })).status).toBe(200)
    const before = new Map(watched.map(({ name, pid }) => [name, residentKib(pid)]))
    const largest = new Map(before)
    const sampling = setInterval(() => {
      for (const { name, pid } of watched) largest.set(name, Math.max(largest.get(name)!, residentKib(pid)))
    }, 20)
    const response = await curl(LIMIT, { model: SPEECH, response_format: 'verbose_json' })
    const answer = (await response.json()) as { duration: number }
    clearInterval(sampling)
    expect([response.status, answer.duration]).toEqual([200, expect.closeTo(seconds(LIMIT), 1)])
    const growth = [...largest].map(([name, kib]): [string, number] => [name, kib - before.get(name)!])
    process.stderr.write(`25 MiB, file first; resident growth in KiB ${JSON.stringify(growth)}\n`)
    for (const [, kib] of growth) expect(kib).toBeLessThan(MAX_GROWTH_KIB)
    expect(waitingFiles()).toBe(0)
  })

  it('and one far beyond it is refused as clearly', { timeout: 60_000 }, async () => {
    for (const bytes of [LIMIT + 1, LIMIT + 2 * MIB, 2 * LIMIT, 4 * LIMIT]) {
      const response = await curl(bytes, { model: SPEECH })
      expect([bytes, response.status, await response.json()]).toMatchObject([
        bytes,
        413,
        { error: { type: 'invalid_request_error', code: expect.stringMatching(/_too_large$/) } },
      ])
    }
    expect(waitingFiles()).toBe(0)
  })
})

it(claim('see.gateway', 'what waits is freed when the client leaves in the middle'), async () => {
  const leaves = new AbortController()
  let isLate = false
  async function* slowly(): AsyncGenerator<Uint8Array> {
    for await (const part of curlForm(13_000_000, { model: SPEECH })) {
      yield part
      while (isLate && !leaves.signal.aborted) await new Promise((resolve) => setTimeout(resolve, 10))
      isLate ||= waitingFiles() === 1
    }
  }
  const upload = fetch(`${proxy.url}/v1/audio/transcriptions`, {
    method: 'POST',
    headers: { 'content-type': 'multipart/form-data; boundary=B' },
    body: Readable.toWeb(Readable.from(slowly())) as BodyInit,
    duplex: 'half',
    signal: leaves.signal,
  } as RequestInit)
  await expect.poll(() => isLate, { timeout: 10_000 }).toBe(true)
  leaves.abort()
  await expect(upload).rejects.toThrow()
  await expect.poll(waitingFiles, { timeout: 10_000 }).toBe(0)
})

function residentKib(pid: number): number {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))![1])
}
