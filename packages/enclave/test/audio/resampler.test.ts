import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createResampler } from '../../src/audio/index.ts'
import { join, noise, snr, tone } from './support/signals.ts'

/** Resamples in blocks of these sizes, over and over. */
function resample(
  input: Float32Array,
  from: number,
  to: number,
  sizes: readonly number[] = [1000],
): Float32Array {
  const resampler = createResampler(from, to)
  const out: Float32Array[] = []
  for (let at = 0, i = 0; at < input.length; i++) {
    const size = sizes[i % sizes.length]!
    out.push(resampler.push(input.subarray(at, at + size)))
    at += size
  }
  return join([...out, resampler.flush()])
}

/** Level in dB of what comes out of a full-scale tone, away from the ends. */
function levelOf(hertz: number, from: number, to: number): number {
  const out = resample(tone(hertz, from, 0.5, 1), from, to)
  const middle = out.subarray(out.length / 4, (out.length * 3) / 4)
  return 10 * Math.log10((2 * middle.reduce((sum, x) => sum + x * x, 0)) / middle.length)
}

const RATES = [1000, 8000, 11_025, 16_001, 22_050, 32_000, 44_100, 48_000, 88_200, 96_000, 191_999, 192_000]

describe('resampling', () => {
  it.each([22_050, 32_000, 44_100, 48_000, 96_000, 191_999])(
    'suppresses what 16 kHz cannot carry by 90 dB, from %i Hz',
    (from) => {
      for (const hertz of [8000, 8100, 8500, 9500, 10_500].filter((f) => f < from / 2)) {
        expect(levelOf(hertz, from, 16_000), `${hertz} Hz`).toBeLessThan(-90)
      }
    },
  )

  it.each([8000, 11_025, 12_345])('adds no image above the band when it raises %i Hz', (from) => {
    // The image of a tone at f lies at from - f.
    const hertz = 0.4 * from
    const out = resample(tone(hertz, from, 0.5, 1), from, 16_000)
    const clean = tone(hertz, 16_000, 0.5, 1)
    const [a, b] = [2000, 6000]
    expect(snr(out.subarray(a, b), clean.subarray(a, b))).toBeGreaterThan(90)
  })

  it.each([22_050, 44_100, 48_000, 191_999])(
    'keeps the pass band to 7.2 kHz flat within 0.01 dB, from %i Hz',
    (from) => {
      for (const hertz of [50, 1000, 4000, 6500, 7150]) {
        expect(Math.abs(levelOf(hertz, from, 16_000)), `${hertz} Hz`).toBeLessThan(0.01)
      }
    },
  )

  it.each(RATES)('gives every sample its time and count, from %i Hz', (from) => {
    for (const length of [1, 17, 5000]) {
      expect(resample(noise(length), from, 16_000).length).toBe(Math.ceil((length * 16_000) / from))
    }
    const impulse = new Float32Array(from)
    impulse[from / 2 - (from % 2) / 2] = 1
    const out = resample(impulse, from, 16_000)
    const peak = out.reduce((best, x, i) => (x > out[best]! ? i : best), 0)
    expect(Math.abs(peak - 8000)).toBeLessThanOrEqual(Math.max(1, 16_000 / from))
  })

  it('passes a constant unchanged', () => {
    for (const from of [11_025, 44_100, 47_999]) {
      const out = resample(new Float32Array(from).fill(0.25), from, 16_000)
      for (const x of out.subarray(2000, 14_000)) expect(Math.abs(x - 0.25)).toBeLessThan(1e-6)
    }
  })

  it('does not depend on the size of blocks', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...RATES.filter((rate) => rate < 100_000)),
        fc.array(fc.integer({ min: 1, max: 700 }), { minLength: 1, maxLength: 5 }),
        (from, sizes) => {
          const input = noise(3000)
          expect(resample(input, from, 16_000, sizes)).toEqual(resample(input, from, 16_000, [3000]))
        },
      ),
      { numRuns: process.env['SLOW'] ? 500 : 25 },
    )
  })

  it('hands blocks through when there is nothing to do', () => {
    const input = noise(10)
    expect(createResampler(16_000, 16_000).push(input)).toBe(input)
  })
})
