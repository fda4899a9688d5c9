import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type EngineHost, type EngineProcess, readModelDirectory } from '../../../src/engines/host/index.ts'
import type { TranscriptEvent } from '../../../src/engines/types.ts'
import { writeWav } from '../../audio/support/wav-writer.ts'
import { openRealHost } from '../real-engines.ts'
import { MODELS } from '../testdata.ts'

let host: EngineHost
let engine: EngineProcess
beforeAll(async () => {
  host = await openRealHost()
  engine = await host.start(readModelDirectory(join(MODELS, 'sotto-ctc-synthetic-en')))
})
afterAll(() => host?.close())

async function* once<T>(value: T): AsyncGenerator<T, void> {
  yield value
}

const transcribe = (file: AsyncIterable<Uint8Array>): Promise<TranscriptEvent[]> =>
  Array.fromAsync(engine.transcribeFile(file))

it.each([
  ['NaN', NaN],
  ['Infinity', Infinity],
  ['-Infinity', -Infinity],
])('a sample that is %s is refused by name, and the engine goes on', async (_, value) => {
  const sound = new Float32Array(32_000).fill(0.1)
  sound[20_000] = value
  await expect(transcribe(once(writeWav([sound], { encoding: 'f32' })))).rejects.toMatchObject({
    code: 'AUDIO_MALFORMED',
    message: expect.stringContaining('a sample is NaN or infinite'),
  })
  const { pid } = engine
  const [done] = await transcribe(once(writeWav([new Float32Array(16_000)], { encoding: 'f32' })))
  expect(done).toMatchObject({ type: 'done', text: '', durationSeconds: 1 })
  expect(engine.pid).toBe(pid)
})

// Four hours as a file are minutes of resampling; the detector alone hears them in `voice-activity.test.ts`.
const HOURS = process.env['SLOW'] ? 4 : 0.2

it(`${HOURS} hours of silence are an empty transcript, in bounded memory`, { timeout: 600_000 }, async () => {
  const SECONDS = HOURS * 3600
  const RATE = 1000
  // As little as such a file can be: one byte a sample, a thousand a second.
  async function* silence(): AsyncGenerator<Uint8Array, void> {
    const head = writeWav([new Float32Array(RATE)], { encoding: 'u8', rate: RATE }).slice(0, 44)
    const view = new DataView(head.buffer)
    view.setUint32(4, 36 + SECONDS * RATE, true)
    view.setUint32(40, SECONDS * RATE, true)
    yield head
    for (let second = 0; second < SECONDS; second += 60) yield new Uint8Array(60 * RATE).fill(0x80)
  }
  const resident = (): number =>
    Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${engine.pid}/status`, 'utf8'))![1])
  await transcribe(once(writeWav([new Float32Array(32_000)], { encoding: 'f32' })))
  const before = resident()
  let peak = before
  const sampling = setInterval(() => (peak = Math.max(peak, resident())), 50)
  const started = performance.now()
  const events = await transcribe(silence())
  clearInterval(sampling)
  const took = (performance.now() - started) / 1000
  process.stderr.write(
    `four hours of silence: ${took.toFixed(1)} s, ${peak - before} KiB more in the engine\n`,
  )
  expect(events).toEqual([
    {
      type: 'done',
      text: '',
      language: 'en',
      durationSeconds: SECONDS,
      usage: { inputTokens: 0, outputTokens: 0 },
    },
  ])
  expect(peak - before).toBeLessThan(160 * 1024)
})
