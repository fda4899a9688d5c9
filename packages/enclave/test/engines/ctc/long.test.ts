import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { decodeAudioHere } from '../../../src/audio/decode-here.ts'
import { type EngineHost, type EngineProcess, readModelDirectory } from '../../../src/engines/host/index.ts'
import type { TranscribeParams, TranscriptEvent, TranscriptSegment } from '../../../src/engines/types.ts'
import { openRealHost } from '../real-engines.ts'
import { MODELS, testdata, testdataMissing } from '../testdata.ts'

const missing = testdataMissing()

const RATE = 16_000
const CLIPS = 12

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

async function* inBlocks(parts: readonly Float32Array[]): AsyncGenerator<Float32Array, void> {
  for (const part of parts) for (let at = 0; at < part.length; at += 1600) yield part.subarray(at, at + 1600)
}

async function clip(index: number): Promise<Float32Array> {
  const blocks = await Array.fromAsync(decodeAudioHere(once(testdata(`asr-synthetic/wavs/${index}.wav`))))
  return Float32Array.from(blocks.flatMap((block) => [...block]))
}

async function transcribe(
  parts: readonly Float32Array[],
  params: TranscribeParams = {},
): Promise<{ text: string; segments: TranscriptSegment[]; deltas: string }> {
  const events: TranscriptEvent[] = await Array.fromAsync(engine.transcribe(inBlocks(parts), params))
  const done = events.at(-1)
  if (done?.type !== 'done') throw new Error('the last event is not done')
  return {
    text: done.text,
    segments: events.flatMap((event) => (event.type === 'segment' ? [event.segment] : [])),
    deltas: events.flatMap((event) => (event.type === 'delta' ? [event.text] : [])).join(''),
  }
}

/** Words to insert, delete or replace, over those that were said. */
function wordErrorRate(heard: readonly string[], said: readonly string[]): number {
  let row = Array.from({ length: heard.length + 1 }, (_, i) => i)
  for (const [i, word] of said.entries()) {
    const next = [i + 1]
    for (const [j, other] of heard.entries())
      next.push(Math.min(row[j]! + (word === other ? 0 : 1), row[j + 1]! + 1, next[j]! + 1))
    row = next
  }
  return row.at(-1)! / said.length
}

/** Without the silence at both ends, so that clips joined to each other leave no pause. */
function trim(samples: Float32Array): Float32Array {
  const first = samples.findIndex((x) => Math.abs(x) > 0.02)
  const last = samples.findLastIndex((x) => Math.abs(x) > 0.02)
  return samples.subarray(first, last + 1)
}

function surround(samples: Float32Array): Float32Array {
  // To whole frames of the voice activity detector, so that it looks at the same ones wherever this lies.
  const out = new Float32Array(320 * Math.ceil(samples.length / 320) + 2 * RATE)
  out.set(samples, RATE)
  return out
}

describe.skipIf(missing !== undefined)('a long recording made of clips', () => {
  it('has the words of the clips, each once, with the times of the whole', async () => {
    // Each with the same silence around it: what a model hears must differ in nothing but where it lies.
    const padded = await Promise.all(
      Array.from({ length: CLIPS }, async (_, index) => surround(trim(await clip(index)))),
    )
    const alone = []
    for (const one of padded) alone.push((await transcribe([one])).text)
    const together = await transcribe(padded, { wordTimestamps: true })
    expect(together.text).toBe(alone.join(' '))
    expect(together.deltas).toBe(together.text)
    const words = together.segments.flatMap((segment) => segment.words!)
    expect(words.map(({ word }) => word)).toEqual(together.text.split(' '))
    const times = words.flatMap(({ start, end }) => [start, end])
    expect(times).toEqual(times.toSorted((a, b) => a - b))
    const seconds = padded.reduce((sum, { length }) => sum + length, 0) / RATE
    expect(times.at(-1)).toBeLessThanOrEqual(seconds - 1)
    expect(times.at(-1)).toBeGreaterThan(seconds - 5)
  })

  it('without a pause is read through windows that lose no word, and gives text before it ends', async () => {
    const references = JSON.parse(
      new TextDecoder().decode(testdata('asr-synthetic/wavs/ref.json')),
    ) as string[]
    const clips = await Promise.all(
      Array.from({ length: CLIPS }, async (_, index) => trim(await clip(index))),
    )
    const said = references.slice(0, CLIPS).join(' ').split(' ')
    const alone: string[] = []
    for (const one of clips) alone.push(...(await transcribe([one])).text.split(' '))
    const apart = wordErrorRate(alone, said)
    const late = await transcribe(clips)
    const early = await transcribe(clips, { early: true })
    expect(early.segments.length).toBeGreaterThan(late.segments.length)
    for (const { text, segments } of [late, early]) {
      // Voices change in the middle of a window here, as they never do: it may err more, but not by words at seams.
      expect(wordErrorRate(text.split(' '), said)).toBeLessThan(apart + 0.25)
      expect(Math.abs(text.length - said.join(' ').length)).toBeLessThan(0.1 * said.join(' ').length)
      expect(segments.map(({ id }) => id)).toEqual(segments.map((_, i) => i))
      for (const [i, { start, end }] of segments.entries()) {
        expect(end).toBeGreaterThan(start)
        if (i > 0) expect(start).toBeGreaterThanOrEqual(segments[i - 1]!.end - 0.05)
      }
    }
  })

  it('is cut by the voice activity that was asked for', async () => {
    const one = trim(await clip(1))
    const parts = [one, new Float32Array(0.6 * RATE), one, new Float32Array(2 * RATE)]
    const count = async (silenceDurationMs: number): Promise<number> => {
      const voiceActivity = { threshold: 0.5, prefixPaddingMs: 300, silenceDurationMs }
      return (await transcribe(parts, { voiceActivity })).segments.length
    }
    expect([await count(300), await count(1500)]).toEqual([2, 1])
  })
})
