import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { logMelSpectrogram, WHISPER_FRAMES, WHISPER_SAMPLES } from '../../src/audio/index.ts'
import { createMelFilters } from '../../src/audio/features/mel-filters.ts'
import { createPowerSpectrum } from '../../src/audio/features/real-fft.ts'
import { noise } from './support/signals.ts'

interface Reference {
  samples: number
  mels: 80 | 128
  sum: number
  values: [mel: number, frame: number, value: number][]
}

const references = JSON.parse(
  readFileSync(join(import.meta.dirname, 'fixtures/log-mel.json'), 'utf8'),
) as Reference[]

/** The signal of `fixtures/log-mel.py`. */
function signal(length: number): Float32Array {
  const hiss = noise(length)
  return Float32Array.from({ length }, (_, i) => {
    const t = i / 16_000
    const sweep = 0.4 * Math.sin(2 * Math.PI * (100 * t + (1950 / (length / 16_000)) * t * t))
    return (sweep + 0.05 * hiss[i]!) * Math.min(1, t * 4)
  })
}

describe('log-mel features', () => {
  it.each(references)(
    'equal the published formula: $samples samples, $mels mels',
    ({ samples, mels, sum, values }) => {
      const features = logMelSpectrogram(signal(samples), mels)
      expect(features).toMatchObject({ mels, frames: WHISPER_FRAMES })
      for (const [mel, frame, value] of values) {
        expect(
          Math.abs(features.data[mel * features.frames + frame]! - value),
          `mel ${mel} frame ${frame}`,
        ).toBeLessThan(2e-5)
      }
      expect(Math.abs(features.data.reduce((total, x) => total + x, 0) - sum)).toBeLessThan(0.5)
    },
  )

  it('of silence are silence everywhere', () => {
    expect(logMelSpectrogram(new Float32Array(1000)).data.every((x) => x === -1.5)).toBe(true)
    expect(logMelSpectrogram(new Float32Array(0)).data.every((x) => x === -1.5)).toBe(true)
  })

  it('refuse more than one pass', () => {
    expect(() => logMelSpectrogram(new Float32Array(WHISPER_SAMPLES + 1))).toThrow(RangeError)
  })

  it('of thirty seconds take a fraction of a second', () => {
    const sound = signal(WHISPER_SAMPLES)
    const times = Array.from({ length: 5 }, () => {
      const start = performance.now()
      logMelSpectrogram(sound, 128)
      return performance.now() - start
    })
    // 35 ms on an idle core; the bound leaves room for a busy machine.
    expect(Math.min(...times)).toBeLessThan(250)
  })
})

describe('the parts of the features', () => {
  it.each([2, 4, 8, 10, 40, 400, 512, 1000])('the transform of %i samples equals its definition', (size) => {
    const frame = Float64Array.from(noise(size, 7))
    const power = new Float64Array(size / 2 + 1)
    createPowerSpectrum(size).compute(frame, power)
    for (let k = 0; k <= size / 2; k += Math.max(1, Math.floor(size / 20))) {
      let re = 0
      let im = 0
      frame.forEach((x, n) => {
        re += x * Math.cos((2 * Math.PI * k * n) / size)
        im -= x * Math.sin((2 * Math.PI * k * n) / size)
      })
      expect(power[k]).toBeCloseTo(re * re + im * im, 8)
    }
  })

  it('no transform is made for lengths with other factors', () => {
    expect(() => createPowerSpectrum(14)).toThrow(RangeError)
  })

  it.each([80, 128])('%i mel filters cover the band, each with unit area', (count) => {
    const filters = createMelFilters(count, 400, 16_000)
    expect(filters.length).toBe(count)
    const wide = createMelFilters(count, 40_000, 16_000)
    for (const { weights } of wide) {
      expect(weights.reduce((sum, x) => sum + x, 0) * 0.4).toBeCloseTo(1, 2)
    }
  })
})
