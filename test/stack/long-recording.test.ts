import { readFileSync } from 'node:fs'
import { Readable } from 'node:stream'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { Sotto } from '@sotto/client'
import { clientOf, startTestStack, type TestStack } from './support.ts'

const SAMPLE_RATE = 16_000
const SECONDS = 3600
const BYTES = 2 * SAMPLE_RATE * SECONDS
const MAX_GROWTH_KIB = 64 * 1024

let stack: TestStack
let sotto: Sotto
beforeAll(async () => {
  stack = await startTestStack()
  sotto = await clientOf(stack)
})
afterAll(() => stack?.close())

/** An hour of near silence with a tone in the first second of every minute, made as it is sent. */
function* recording(): Generator<Uint8Array> {
  const header = Buffer.alloc(44)
  header.write('RIFF', 0)
  header.writeUInt32LE(36 + BYTES, 4)
  header.write('WAVEfmt ', 8)
  header.writeUInt32LE(16, 16)
  header.writeUInt16LE(1, 20)
  header.writeUInt16LE(1, 22)
  header.writeUInt32LE(SAMPLE_RATE, 24)
  header.writeUInt32LE(2 * SAMPLE_RATE, 28)
  header.writeUInt16LE(2, 32)
  header.writeUInt16LE(16, 34)
  header.write('data', 36)
  header.writeUInt32LE(BYTES, 40)
  yield header
  const silence = Buffer.alloc(2 * SAMPLE_RATE)
  const tone = Buffer.alloc(2 * SAMPLE_RATE)
  for (let i = 0; i < SAMPLE_RATE; i++) tone.writeInt16LE(Math.round(6000 * Math.sin(i / 5)), 2 * i)
  for (let second = 0; second < SECONDS; second++) yield Buffer.from(second % 60 === 0 ? tone : silence)
}

/** The same as a multipart form, streamed: a Blob would hold all of it in this process. */
async function* form(boundary: string): AsyncGenerator<Uint8Array> {
  const text = (value: string): Uint8Array => new TextEncoder().encode(value)
  yield text(
    `--${boundary}\r\ncontent-disposition: form-data; name="file"; filename="hour.wav"\r\ncontent-type: audio/wav\r\n\r\n`,
  )
  yield* recording()
  yield text(`\r\n--${boundary}--\r\n`)
}

const residentKib = (pid: number): number =>
  Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))![1])

it('an hour of recording (115 MB) streams through in bounded memory', { timeout: 180_000 }, async () => {
  const watched = stack.roles.filter(({ name }) => name === 'relay' || name === 'inference')
  expect(watched).toHaveLength(2)
  // Warm: code is loaded and the first buffers exist before growth is counted.
  await (await sotto.fetch(`${sotto.baseURL}/models`)).text()
  const before = new Map(watched.map(({ name, pid }) => [name, residentKib(pid)]))
  const largest = new Map(before)
  const sampling = setInterval(() => {
    for (const { name, pid } of watched) largest.set(name, Math.max(largest.get(name)!, residentKib(pid)))
  }, 50)
  const started = performance.now()
  try {
    const boundary = 'sotto-long-recording'
    const response = await sotto.fetch(`${sotto.baseURL}/audio/transcriptions`, {
      method: 'POST',
      // Without `fields=first` it would wait in RAM for fields that never come.
      headers: { 'content-type': `multipart/form-data; fields=first; boundary=${boundary}` },
      body: Readable.toWeb(Readable.from(form(boundary))) as BodyInit,
      duplex: 'half',
    } as RequestInit)
    const body = (await response.json()) as { text?: string; usage?: { seconds: number } }
    expect(body).toMatchObject({ text: expect.any(String), usage: { type: 'duration', seconds: SECONDS } })
    expect(response.status).toBe(200)
    await sotto.receiptOf(response)
  } finally {
    clearInterval(sampling)
  }
  const growth = Object.fromEntries([...largest].map(([name, kib]) => [name, kib - before.get(name)!]))
  process.stderr.write(
    `one hour in ${((performance.now() - started) / 1000).toFixed(1)} s; resident growth in KiB ${JSON.stringify(growth)}\n`,
  )
  for (const kib of Object.values(growth)) expect(kib).toBeLessThan(MAX_GROWTH_KIB)
})
