import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type SegmentOptions, segmentSpeech, type SpeechSegment } from '../../src/audio/index.ts'
import { chooseCut } from '../../src/audio/segment/cut-point.ts'
import { decodeBytes } from './support/decode.ts'
import { join, noise, silence } from './support/signals.ts'
import { hasRecordings, recording } from './support/testdata.ts'

const RATE = 16_000

/** Something with the loudness of speech: noise under syllables of a quarter of a second. */
function speech(seconds: number, amplitude: number = 0.3): Float32Array {
  return noise(Math.round(seconds * RATE), 5, amplitude).map(
    (x, i) => x * (0.3 + 0.7 * Math.abs(Math.sin((Math.PI * i) / 4000))),
  )
}

/** A room: everything on top of hiss, by default at -55 dB. */
function inRoom(sound: Float32Array, amplitude: number = 0.003): Float32Array {
  const hiss = noise(sound.length, 9, amplitude)
  return sound.map((x, i) => x + hiss[i]!)
}

async function segmentsOf(
  sound: Float32Array,
  options: SegmentOptions = {},
  block: number = 1000,
): Promise<SpeechSegment[]> {
  const blocks = Array.from({ length: Math.ceil(sound.length / block) }, (_, i) =>
    sound.subarray(i * block, (i + 1) * block),
  )
  return Array.fromAsync(segmentSpeech(blocks, options))
}

const inSeconds = ({ start, end }: SpeechSegment): [number, number] => [start / RATE, end / RATE]

describe('segmenting speech', () => {
  it('finds each stretch of speech, with a little silence around it', async () => {
    const sound = join([silence(3), speech(2), silence(4), speech(5), silence(3)])
    const [first, second, ...more] = (await segmentsOf(sound)).map(inSeconds)
    expect(more).toEqual([])
    expect(first![0]).toBeCloseTo(2.8, 1)
    expect(first![1]).toBeCloseTo(5.2, 1)
    expect(second![0]).toBeCloseTo(8.8, 1)
    expect(second![1]).toBeCloseTo(14.2, 1)
  })

  it('gives the samples themselves, in order, without overlap, whatever the blocks', async () => {
    const pieces = fc.array(
      fc.record({
        speech: fc.double({ min: 0.05, max: 6, noNaN: true }),
        pause: fc.double({ min: 0, max: 4, noNaN: true }),
      }),
      { minLength: 1, maxLength: 6 },
    )
    await fc.assert(
      fc.asyncProperty(pieces, fc.integer({ min: 1, max: 40_000 }), async (parts, block) => {
        const sound = join(parts.flatMap((part) => [silence(part.pause), speech(part.speech)]))
        const options = { maxSegmentSeconds: 5 }
        const found = await segmentsOf(sound, options, Math.max(50, block))
        let position = 0
        for (const { start, end, samples } of found) {
          expect(start).toBeGreaterThanOrEqual(position)
          expect(end).toBeGreaterThan(start)
          expect(end).toBeLessThanOrEqual(sound.length)
          expect(end - start).toBeLessThanOrEqual(5 * RATE)
          expect(samples).toEqual(sound.slice(start, end))
          position = end
        }
        expect(await segmentsOf(sound, options, 16_384)).toEqual(found)
      }),
      { numRuns: process.env['SLOW'] ? 500 : 25 },
    )
  })

  it('loses no speech', async () => {
    const parts = [
      silence(1),
      speech(0.3),
      silence(0.5),
      speech(12),
      silence(2.5),
      speech(3),
      silence(0.1),
      speech(20),
    ]
    const sound = inRoom(join(parts))
    const found = await segmentsOf(sound, { maxSegmentSeconds: 10 })
    let at = 0
    for (const part of parts) {
      const end = part.some((x) => x !== 0) ? at + part.length : at
      for (let i = at; i < end; i += 160) {
        expect(
          found.some(({ start, end }) => i >= start && i < end),
          `at ${i / RATE} s`,
        ).toBe(true)
      }
      at += part.length
    }
  })

  it('cuts what is too long in the longest pause of its last two thirds', async () => {
    const sound = inRoom(
      join([speech(8), silence(0.9), speech(9), silence(0.5), speech(5), silence(0.35), speech(20)]),
    )
    const [first, second] = (await segmentsOf(sound)).map(inSeconds)
    // Pauses at 8.0-8.9 (too early), 17.9-18.4 and 23.4-23.75.
    expect(first![0]).toBe(0)
    expect(first![1]).toBeGreaterThan(17.9)
    expect(first![1]).toBeLessThan(18.4)
    expect(second![0]).toBeGreaterThanOrEqual(first![1])
    expect(second![0]).toBeLessThan(18.4)
  })

  it('prefers an early pause to cutting a word', async () => {
    const sound = inRoom(join([speech(4), silence(0.6), speech(40)]))
    const [first] = (await segmentsOf(sound)).map(inSeconds)
    expect(first![1]).toBeGreaterThan(4)
    expect(first![1]).toBeLessThan(4.6)
  })

  it('cuts at the quietest place when nobody pauses', async () => {
    const sound = speech(40).map((x, i) => (i > 24 * RATE && i < 24.15 * RATE ? x * 0.2 : x))
    const [first] = (await segmentsOf(sound)).map(inSeconds)
    expect(first![1]).toBeGreaterThan(24)
    expect(first![1]).toBeLessThan(24.2)
  })

  it('keeps the first word of a recording, in a noisy room too', async () => {
    const sound = inRoom(join([speech(1, 0.1), silence(5), speech(1, 0.1)]), 0.01)
    const [first] = await segmentsOf(sound)
    expect(first!.start).toBe(0)
  })

  it('learns to leave out the noise of a room', async () => {
    const sound = inRoom(join([silence(15), speech(2), silence(15)]), 0.01)
    const found = (await segmentsOf(sound)).map(inSeconds)
    const last = found.at(-1)!
    expect(last[0]).toBeGreaterThan(14)
    expect(last[1]).toBeLessThan(18)
  })

  it('finds nothing in silence, and everything in one sample of sound', async () => {
    expect(await segmentsOf(silence(70))).toEqual([])
    expect(await segmentsOf(new Float32Array(0))).toEqual([])
    expect((await segmentsOf(Float32Array.of(0.5))).map(({ start, end }) => [start, end])).toEqual([[0, 1]])
  })

  it.each([
    { maxSegmentSeconds: 0.5 },
    { maxSegmentSeconds: NaN },
    { endPauseSeconds: 0 },
    { paddingSeconds: -1 },
  ])('refuses the options %j', async (options) => {
    await expect(segmentsOf(silence(1), options)).rejects.toThrow(RangeError)
  })

  it('keeps its bounds with more padding than fits', async () => {
    const found = await segmentsOf(join([silence(5), speech(5), silence(5)]), {
      maxSegmentSeconds: 1,
      paddingSeconds: 30,
    })
    for (const { start, end } of found) expect(end - start).toBeLessThanOrEqual(RATE)
  })

  it.runIf(hasRecordings)('keeps people in one piece between their pauses', async () => {
    const { samples } = await decodeBytes(recording('jfk.wav'))
    const found = await segmentsOf(join([samples, silence(3), samples, silence(3), samples, samples]))
    expect(found.length).toBeGreaterThanOrEqual(3)
    // "And so my fellow Americans ... country" fills 0.3 to 10.6 s of the recording.
    expect(found[0]!.start / RATE).toBeLessThan(0.4)
    expect(found[0]!.end / RATE).toBeGreaterThan(10.4)
    expect(found[0]!.end / RATE).toBeLessThan(11.5)
  })
})

describe('choosing where to cut', () => {
  const frames = (speech: string): Parameters<typeof chooseCut>[0] => ({
    count: speech.length,
    level: Float32Array.from(speech, (letter) => (letter === '.' ? -60 : -20)),
    speech: Uint8Array.from(speech, (letter) => (letter === '.' ? 0 : 1)),
  })

  it('takes the middle of the longest pause, and the later of equals', () => {
    expect(chooseCut(frames('xxxxxxxxx....xxxxxx....xxxxxxx'), 3)).toBe(21)
    expect(chooseCut(frames('xxxxxxxxxxx.....xxx....xxxxxxx'), 3)).toBe(14)
  })

  it('takes a breath only when there is no pause', () => {
    expect(chooseCut(frames('xx....xxxxxxxxxxxxx..xxxxxxxxx'), 3)).toBe(4)
    expect(chooseCut(frames('xxxxxxxxxxxxxxxxxxx..xxxxxxxxx'), 3)).toBe(20)
  })

  it('never cuts before the first frame', () => {
    for (const count of [1, 2, 3, 5, 7]) {
      const cut = chooseCut(frames('x'.repeat(count)), 3)
      expect(cut).toBeGreaterThanOrEqual(1)
      expect(cut).toBeLessThanOrEqual(count)
    }
  })
})
