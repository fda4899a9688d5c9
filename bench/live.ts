/**
 * Live transcription through relay, gateway and engine on this machine: how long after a pause has ended a stretch of
 * speech its text is there, and how much of real time a minute of speech takes.
 *
 *   node bench/live.ts
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { readModelDirectory } from '../packages/enclave/src/engines/host/index.ts'
import { openRealHost } from '../packages/enclave/test/engines/real-engines.ts'
import { openLiveTown } from '../test/live/town.ts'

const MODELS = join(import.meta.dirname, '../models')
/** One piece of a microphone: 100 ms of 16 kHz samples. */
const PIECE_BYTES = 3200
const PIECE_MS = 100
const SILENCE_MS = 500

const note = readFileSync(join(MODELS, 'demo', 'session-note.wav')).subarray(44)
const host = await openRealHost()
const engine = await host.start(readModelDirectory(join(MODELS, 'sotto-ctc-synthetic-en')))
const town = await openLiveTown((file, params, signal) => engine.transcribeFile(file, params, { signal }))

for (const [name, webSocket] of [
  ['fetch', undefined],
  ['WebSocket', WebSocket],
] as const) {
  const sotto = await town.connect(webSocket ? { webSocket } : {})
  // Three sentences with a second between them: each ends by a pause, not because a window is full.
  const sentence = Buffer.concat([note.subarray(0, 2 * 32_000), Buffer.alloc(32_000)])
  const audio = Buffer.concat([sentence, sentence, sentence])
  let started = 0
  async function* microphone(): AsyncGenerator<Uint8Array> {
    started = performance.now()
    for (let at = 0; at < audio.length; at += PIECE_BYTES) {
      const due = started + (at / PIECE_BYTES) * PIECE_MS
      await new Promise((resolve) => setTimeout(resolve, Math.max(0, due - performance.now())))
      yield audio.subarray(at, at + PIECE_BYTES)
    }
  }
  const late: number[] = []
  const live = sotto.transcribeLive(microphone(), {
    sampleRate: 16_000,
    voiceActivity: { silenceDurationMs: SILENCE_MS, prefixPaddingMs: 0 },
  })
  for await (const event of live)
    if (event.type === 'segment') late.push(performance.now() - started - 1000 * event.end - SILENCE_MS)
  const sorted = late.toSorted((a, b) => a - b)
  const at = (share: number): string => `${sorted[Math.floor(share * (sorted.length - 1))]?.toFixed(0)} ms`
  console.log(
    `${name}: ${late.length} sentences, text after ${SILENCE_MS} ms of pause: median ${at(0.5)}, longest ${at(1)}`,
  )
}

const seconds = (6 * note.length) / 32_000
const minute = Buffer.concat(Array.from({ length: 6 }, () => note))
async function* pieces(): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < minute.length; at += 65_536) yield minute.subarray(at, at + 65_536)
}
const sotto = await town.connect()
const begun = performance.now()
for await (const event of sotto.transcribeLive(pieces(), { sampleRate: 16_000 })) void event
const took = (performance.now() - begun) / 1000
console.log(`${seconds.toFixed(0)} s of speech in ${took.toFixed(2)} s: RTF ${(took / seconds).toFixed(3)}`)

await town.close()
await host.close()
