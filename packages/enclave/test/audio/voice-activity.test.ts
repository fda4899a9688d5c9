import { describe, expect, it } from 'vitest'
import {
  DEFAULT_VOICE_ACTIVITY,
  segmentOptionsOf,
  segmentSpeech,
  type SegmentOptions,
  type SpeechSegment,
  type VoiceActivity,
} from '../../src/audio/index.ts'
import { join, noise, silence } from './support/signals.ts'

const RATE = 16_000

/** Something with the loudness of speech, without a pause. */
const speech = (seconds: number, amplitude = 0.3): Float32Array =>
  noise(Math.round(seconds * RATE), 5, amplitude).map(
    (x, i) => x * (0.3 + 0.7 * Math.abs(Math.sin((Math.PI * i) / 4000))),
  )

function* inBlocks(sound: Float32Array): Generator<Float32Array> {
  for (let at = 0; at < sound.length; at += 1600) yield sound.subarray(at, at + 1600)
}

const segmentsOf = (sound: Float32Array, options: SegmentOptions): Promise<SpeechSegment[]> =>
  Array.fromAsync(segmentSpeech(inBlocks(sound), options))

const detect = (sound: Float32Array, change: Partial<VoiceActivity> = {}): Promise<SpeechSegment[]> =>
  segmentsOf(sound, segmentOptionsOf({ ...DEFAULT_VOICE_ACTIVITY, ...change }))

describe('voice activity', () => {
  it('silence_duration_ms decides which pause ends a stretch', async () => {
    const sound = join([speech(1), silence(0.6), speech(1), silence(2)])
    expect(await detect(sound, { silenceDurationMs: 500 })).toHaveLength(2)
    expect(await detect(sound, { silenceDurationMs: 900 })).toHaveLength(1)
  })

  it('prefix_padding_ms decides how much silence stays before speech', async () => {
    const sound = join([silence(2), speech(1), silence(2)])
    for (const prefixPaddingMs of [0, 300, 1000]) {
      const [segment] = await detect(sound, { prefixPaddingMs })
      expect(2 - segment!.start / RATE).toBeCloseTo(prefixPaddingMs / 1000, 1)
    }
  })

  it('threshold decides how far speech has to stand out of the noise', async () => {
    // Hiss at -50 dB, and somebody far away 11 dB above it.
    const sound = join([noise(15 * RATE, 1, 0.0055), noise(2 * RATE, 2, 0.0195), noise(5 * RATE, 3, 0.0055)])
    const late = (segments: SpeechSegment[]): SpeechSegment[] => segments.filter(({ end }) => end > 15 * RATE)
    expect(late(await detect(sound, { threshold: 0.3 }))).not.toEqual([])
    expect(late(await detect(sound, { threshold: 1 }))).toEqual([])
  })

  it('gives the same for the same samples, however they come', async () => {
    const sound = join([speech(1.3), silence(0.7), speech(0.4), noise(RATE, 4, 0.01), speech(2)])
    const whole = await Array.fromAsync(segmentSpeech([sound], segmentOptionsOf(DEFAULT_VOICE_ACTIVITY)))
    expect(await detect(sound)).toEqual(whole)
  })
})

describe('a run of speech that is longer than a segment', () => {
  const sound = speech(20)

  it('is cut into segments that show each other what is around the cut', async () => {
    const segments = await segmentsOf(sound, { maxSegmentSeconds: 5, contextSeconds: 1 })
    expect(segments.length).toBeGreaterThan(4)
    for (const [i, one] of segments.entries()) {
      expect(one.start).toBe(segments[i - 1]?.end ?? 0)
      expect(one.samples).toEqual(sound.subarray(one.start, one.end))
      expect(one.lead).toEqual(sound.subarray(one.start - one.lead.length, one.start))
      expect(one.tail).toEqual(sound.subarray(one.end, one.end + one.tail.length))
      expect(one.lead.length).toBe(i === 0 ? 0 : RATE)
      const isLast = i === segments.length - 1
      expect(one.joinsNext).toBe(!isLast)
      if (isLast) expect([one.end, one.tail.length]).toEqual([sound.length, 0])
      expect(one.lead.length + one.samples.length + one.tail.length).toBeLessThanOrEqual(5 * RATE)
    }
  })

  it('is cut in a pause where there is one, without any', async () => {
    const paused = join([speech(4), silence(0.35), speech(4), silence(3)])
    const segments = await segmentsOf(paused, { maxSegmentSeconds: 5, contextSeconds: 1 })
    expect(segments).toHaveLength(2)
    for (const { lead, tail, joinsNext } of segments)
      expect([lead.length, tail.length, joinsNext]).toEqual([0, 0, false])
  })

  it('ends with a segment that says so, also when nothing but silence follows the cut', async () => {
    for (const seconds of [4.9, 5, 5.02, 5.5, 9.98]) {
      const segments = await segmentsOf(join([speech(seconds), silence(4)]), {
        maxSegmentSeconds: 5,
        contextSeconds: 1,
      })
      expect(segments.map(({ joinsNext }) => joinsNext)).toEqual([
        ...Array<boolean>(segments.length - 1).fill(true),
        false,
      ])
      expect(segments.at(-1)!.end).toBeGreaterThanOrEqual(seconds * RATE)
    }
  })
})

it('four hours of silence are nothing, in a moment and without memory', { timeout: 120_000 }, async () => {
  const second = new Float32Array(RATE)
  function* hours(): Generator<Float32Array> {
    for (let i = 0; i < 4 * 3600; i++) yield second
  }
  const before = process.memoryUsage().rss
  let peak = 0
  const sampling = setInterval(() => (peak = Math.max(peak, process.memoryUsage().rss)), 50)
  const started = process.cpuUsage()
  const segments = await Array.fromAsync(segmentSpeech(hours(), { contextSeconds: 1 }))
  clearInterval(sampling)
  expect(segments).toEqual([])
  const { user } = process.cpuUsage(started)
  process.stderr.write(`four hours of silence: ${(user / 1e6).toFixed(1)} s of CPU\n`)
  expect(Math.max(peak, process.memoryUsage().rss) - before).toBeLessThan(64 * 1024 * 1024)
})
