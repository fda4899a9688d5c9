import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest'
import type { LiveEvent } from '@sotto/client'
import type { TranscriptEvent, TranscriptSegment } from '../../packages/enclave/src/engines/types.ts'
import { type LiveTown, openLiveTown } from './town.ts'

const RATE = 16_000
/** A tenth of a second: what the fake model makes a word of. */
const WORD_BYTES = 3200
const HEADER_BYTES = 44

let town: LiveTown
/** Samples that reached the model, by exchange. */
let heard: Uint8Array[][] = []
let pauses = true
beforeAll(async () => {
  town = await openLiveTown(
    async function* words(file): AsyncGenerator<TranscriptEvent> {
      const parts: Uint8Array[] = []
      heard.push(parts)
      let bytes = -HEADER_BYTES
      const said: string[] = []
      for await (const part of file) {
        parts.push(part.slice())
        bytes += part.length
        while ((said.length + 1) * WORD_BYTES <= bytes) {
          const word = `w${heard.indexOf(parts)}.${said.length}`
          yield { type: 'delta', text: said.length === 0 ? word : ` ${word}` }
          const start = said.push(word) / 10 - 0.1
          if (pauses) yield { type: 'segment', segment: segmentOf(said.length, start, word) }
        }
      }
      const usage = { inputTokens: 0, outputTokens: 0 }
      yield { type: 'done', text: said.join(' '), language: 'en', durationSeconds: 1, usage }
    },
    [],
    { exchangeMs: 4000 },
  )
})
afterAll(() => town?.close())
beforeEach(() => {
  heard = []
  pauses = true
})

function segmentOf(id: number, start: number, text: string): TranscriptSegment {
  const measures = { temperature: 0, avgLogprob: 0, compressionRatio: 1, noSpeechProb: 0 }
  return { id, seek: 0, start, end: start + 0.1, text, tokens: [], ...measures }
}

/** Somebody who speaks for so many tenths of a second, no two samples alike for long. */
async function* speech(words: number): AsyncGenerator<Uint8Array> {
  for (let word = 0; word < words; word++) {
    await new Promise((resolve) => setTimeout(resolve, 100))
    yield Uint8Array.from({ length: WORD_BYTES }, (_, index) => (word * 7 + index) & 0xff)
  }
}

const samples = async (words: number): Promise<Buffer> => Buffer.concat(await Array.fromAsync(speech(words)))
const heardSamples = (): Buffer =>
  Buffer.concat(heard.map((parts) => Buffer.concat(parts).subarray(HEADER_BYTES)))

it.each([
  ['over fetch', undefined],
  ['over a WebSocket of the relay', WebSocket],
])(
  'somebody speaks for longer than an exchange lasts, %s: nothing is lost',
  { timeout: 60_000 },
  async (_, webSocket) => {
    const sotto = await town.connect(webSocket ? { webSocket } : {})
    const live = sotto.transcribeLive(speech(50), { sampleRate: RATE, exchangeSeconds: 0.8 })
    const events: LiveEvent[] = await Array.fromAsync(live)
    expect(heard.length).toBeGreaterThanOrEqual(2)
    expect(heardSamples().equals(await samples(50))).toBe(true)
    const text = events.flatMap((event) => (event.type === 'delta' ? [event.text] : [])).join('')
    expect(events.at(-1)).toEqual({ type: 'done', text })
    expect(events.filter(({ type }) => type === 'done')).toHaveLength(1)
    expect(text.split(' ')).toHaveLength(50)
    const segments = events.filter((event) => event.type === 'segment')
    expect(segments.map(({ start }) => Math.round(start * 10))).toEqual(
      Array.from({ length: 50 }, (__, i) => i),
    )
    expect(await live.receipts()).toHaveLength(heard.length)
  },
)

it('goes on where nobody pauses, too', { timeout: 60_000 }, async () => {
  pauses = false
  const sotto = await town.connect()
  const live = sotto.transcribeLive(speech(30), { sampleRate: RATE, exchangeSeconds: 0.8 })
  const events = await Array.fromAsync(live)
  expect(heard.length).toBeGreaterThanOrEqual(2)
  expect(heardSamples().equals(await samples(30))).toBe(true)
  expect(events.at(-1)).toMatchObject({ type: 'done' })
})

it(
  'without that, the end of the exchange is an error and never the end of a text',
  { timeout: 60_000 },
  async () => {
    const sotto = await town.connect()
    const live = sotto.transcribeLive(speech(60), { sampleRate: RATE, exchangeSeconds: 600 })
    const events: LiveEvent[] = []
    await expect(
      (async () => {
        for await (const event of live) events.push(event)
      })(),
    ).rejects.toMatchObject({ code: 'RESPONSE_TRUNCATED' })
    expect(events.some(({ type }) => type === 'done')).toBe(false)
  },
)
