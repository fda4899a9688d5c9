import { afterAll, beforeAll, expect, it } from 'vitest'
import { createWhisperEngine } from '../../../src/engines/whisper/index.ts'
import type {
  Engine,
  TranscribeParams,
  TranscriptEvent,
  TranscriptSegment,
} from '../../../src/engines/index.ts'
import { fixtureModel } from '../fixtures/model.ts'
import { samplesOf } from '../fixtures/tones.ts'

const RATE = 16_000
const VOICE = { threshold: 0.5, prefixPaddingMs: 200, silenceDurationMs: 500 }

let engine: Engine
beforeAll(async () => {
  engine = createWhisperEngine()
  await engine.load(fixtureModel('whisper-words', 'whisper', 'transcription'))
})
afterAll(() => engine?.close())

/** Twice somebody speaks, with two seconds of a silent room before, between and behind. */
async function* conversation(onBlock: (second: number) => void = () => {}): AsyncGenerator<Float32Array> {
  const first = samplesOf({ seconds: 1.2, seed: 21, said: [{ start: 0.1, lang: 'en', words: [1, 2, 3] }] })
  const second = samplesOf({ seconds: 1, seed: 22, said: [{ start: 0.1, lang: 'en', words: [7, 8] }] })
  const room = new Float32Array(2 * RATE)
  let sent = 0
  for (const part of [room, first, room, second, room]) {
    for (let at = 0; at < part.length; at += 1600) {
      onBlock(sent / RATE)
      const block = part.subarray(at, at + 1600)
      sent += block.length
      yield block
    }
  }
}

async function transcribe(
  audio: AsyncIterable<Float32Array>,
  params: TranscribeParams,
): Promise<{ events: TranscriptEvent[]; segments: TranscriptSegment[]; text: string }> {
  const events = await Array.fromAsync(engine.transcribe!(audio, params, new AbortController().signal))
  const segments = events.flatMap((event) => (event.type === 'segment' ? [event.segment] : []))
  return {
    events,
    segments,
    text: events.flatMap((event) => (event.type === 'delta' ? [event.text] : [])).join(''),
  }
}

it('each stretch of speech is read on its own, with its times in the whole recording', async () => {
  const { events, segments, text } = await transcribe(conversation(), {
    language: 'en',
    voiceActivity: VOICE,
    wordTimestamps: true,
    conditionOnPreviousText: false,
  })
  expect(events.at(-1)).toMatchObject({ type: 'done', text, language: 'en', durationSeconds: 8.2 })
  expect(text).toBe('one two three seven eight')
  expect(segments.map(({ id }) => id)).toEqual([0, 1])
  const [first, second] = segments
  expect(first!.start).toBeGreaterThan(1.7)
  expect(first!.end).toBeLessThan(3.4)
  expect(second!.start).toBeGreaterThan(4.8)
  expect(second!.end).toBeLessThan(6.5)
  for (const { start, end, words, seek } of segments) {
    expect(seek).toBeGreaterThan(100)
    for (const word of words!) {
      expect(word.start).toBeGreaterThanOrEqual(start - 0.3)
      expect(word.end).toBeLessThanOrEqual(end + 0.3)
    }
  }
})

it('the text of the first is there before the second is spoken', async () => {
  let asked = 0
  const audio = conversation((second) => (asked = second))
  for await (const event of engine.transcribe!(
    audio,
    { language: 'en', voiceActivity: VOICE },
    new AbortController().signal,
  )) {
    if (event.type !== 'delta') continue
    expect(event.text).toBe('one two three')
    // Half a second of silence behind its end at 3.0 s.
    expect(asked).toBeLessThan(4)
    break
  }
})

it('silence is not read at all, and so nothing is invented', async () => {
  async function* silence(): AsyncGenerator<Float32Array> {
    for (let second = 0; second < 600; second++) yield new Float32Array(RATE)
  }
  const { events } = await transcribe(silence(), { voiceActivity: VOICE })
  expect(events).toEqual([
    {
      type: 'done',
      text: '',
      language: 'en',
      durationSeconds: 600,
      usage: { inputTokens: 0, outputTokens: 0 },
    },
  ])
})
