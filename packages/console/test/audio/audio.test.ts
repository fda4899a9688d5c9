import { describe, expect, it } from 'vitest'
import { levelOf } from '../../src/audio/level.ts'
import { microphoneCauseOf } from '../../src/audio/microphone-error.ts'
import { pcm16 } from '../../src/audio/pcm.ts'
import { createResampler } from '../../src/audio/resample.ts'
import { speechStream } from '../../src/audio/speech-stream.ts'

function tone(hertz: number, rate: number, seconds: number): Float32Array {
  return Float32Array.from({ length: rate * seconds }, (_, at) => Math.sin((2 * Math.PI * hertz * at) / rate))
}

/** In pieces of odd lengths, as a sound card gives them. */
function resample(samples: Float32Array, from: number, to: number, piece: number): number[] {
  const resampler = createResampler(from, to)
  const out: number[] = []
  for (let at = 0; at < samples.length; at += piece)
    out.push(...resampler.take(samples.subarray(at, at + piece)))
  out.push(...resampler.end())
  return out
}

function rms(values: readonly number[]): number {
  return Math.sqrt(values.reduce((sum, value) => sum + value * value, 0) / values.length)
}

describe('resampling', () => {
  it.each([44_100, 48_000, 96_000, 8000])('a tone of %i Hz samples stays the tone it was', (rate) => {
    const made = resample(tone(440, rate, 0.5), rate, 16_000, 1000)
    expect(made.length).toBe(8000)
    const wanted = tone(440, 16_000, 0.5)
    const wrong = made.slice(200, -200).map((value, at) => value - wanted[at + 200]!)
    expect(rms(wrong)).toBeLessThan(0.01)
  })

  it('pieces leave no seam, whatever their length', () => {
    const samples = tone(700, 44_100, 0.2)
    expect(resample(samples, 44_100, 16_000, 128)).toEqual(resample(samples, 44_100, 16_000, 4096))
  })

  it('what 16 kHz cannot hold goes, and does not come back as another tone', () => {
    expect(rms(resample(tone(11_000, 48_000, 0.5), 48_000, 16_000, 1024).slice(200, -200))).toBeLessThan(0.01)
  })

  it('the same rate is the same samples', () => {
    expect(resample(new Float32Array([0.5, -1]), 16_000, 16_000, 2)).toEqual([0.5, -1])
  })
})

it('samples become 16 bits, and what is too loud is held', () => {
  const view = new DataView(pcm16(new Float32Array([0, 1, -1, 3, -3, 0.5])).buffer)
  expect([0, 1, 2, 3, 4, 5].map((at) => view.getInt16(2 * at, true))).toEqual([
    0, 32_767, -32_768, 32_767, -32_768, 16_384,
  ])
})

it('the level is even in dB: silence 0, full scale 1', () => {
  expect(levelOf(new Float32Array(0))).toBe(0)
  expect(levelOf(new Float32Array(100))).toBe(0)
  expect(levelOf(new Float32Array(100).fill(1))).toBe(1)
  expect(levelOf(new Float32Array(100).fill(10 ** (-30 / 20)))).toBeCloseTo(0.5, 5)
})

it('speech leaves in pieces of 100 ms, the rest at its end, and nothing after it', async () => {
  const speech = speechStream()
  for (let piece = 0; piece < 5; piece++) speech.take(new Float32Array(400))
  speech.end()
  speech.take(new Float32Array(400))
  speech.end()
  const sizes: number[] = []
  for await (const bytes of speech.audio as unknown as AsyncIterable<Uint8Array>) sizes.push(bytes.length)
  expect(sizes).toEqual([3200, 800])
  expect(speech.seconds).toBe(0.125)
})

it('every refusal of a browser has a cause that the page has words for', () => {
  const causeOf = (name: string): string => microphoneCauseOf(new DOMException('', name))
  expect(causeOf('NotAllowedError')).toBe('refused')
  expect(causeOf('NotFoundError')).toBe('absent')
  expect(causeOf('NotReadableError')).toBe('busy')
  expect(causeOf('toString')).toBe('unsupported')
  expect(microphoneCauseOf(undefined)).toBe('unsupported')
})
