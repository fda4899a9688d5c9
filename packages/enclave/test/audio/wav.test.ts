import { describe, expect, it } from 'vitest'
import { bytesOf, le } from './support/bytes.ts'
import { decodeBytes } from './support/decode.ts'
import { snr, tone } from './support/signals.ts'
import { type WavEncoding, writeWav } from './support/wav-writer.ts'

const sound = tone(440, 16_000, 0.25)

/** Least dB each encoding must keep of a half-scale tone. */
const QUALITY: readonly (readonly [WavEncoding, number])[] = [
  ['u8', 40],
  ['s16', 85],
  ['s24', 130],
  ['s32', 140],
  ['f32', 200],
  ['f64', 200],
  ['alaw', 36],
  ['mulaw', 36],
]

describe('decoding WAV', () => {
  it.each(QUALITY)('reads %s', async (encoding, quality) => {
    const { samples, info } = await decodeBytes(writeWav([sound], { encoding }))
    expect(samples.length).toBe(sound.length)
    expect(snr(samples, sound)).toBeGreaterThan(quality)
    expect(info).toMatchObject({
      format: 'wav',
      sampleRate: 16_000,
      channels: 1,
      durationSeconds: 0.25,
      samples: 4000,
    })
  })

  it.each(['s16', 's24', 'f32', 'alaw'] as const)(
    'reads %s announced as WAVE_FORMAT_EXTENSIBLE',
    async (encoding) => {
      const plain = await decodeBytes(writeWav([sound], { encoding }))
      const extensible = await decodeBytes(writeWav([sound], { encoding, extensible: true }))
      expect(extensible).toEqual(plain)
    },
  )

  it.each([2, 3, 8, 12])('mixes %i channels to their average', async (channels) => {
    const planar = Array.from({ length: channels }, (_, c) => tone(200 + 50 * c, 16_000, 0.1, 0.3))
    const mean = planar[0]!.map((_, i) => planar.reduce((sum, channel) => sum + channel[i]!, 0) / channels)
    const { samples, info } = await decodeBytes(writeWav(planar, { encoding: 'f32' }))
    expect(snr(samples, mean)).toBeGreaterThan(120)
    expect(info.channels).toBe(channels)
  })

  it.each([1000, 8000, 11_025, 22_050, 44_100, 48_000, 96_000, 192_000, 12_345])(
    'resamples %i Hz',
    async (rate) => {
      const { samples, info } = await decodeBytes(writeWav([tone(300, rate, 0.5)], { rate, encoding: 'f32' }))
      const expected = tone(300, 16_000, 0.5)
      expect(samples.length).toBe(Math.ceil((Math.round(rate / 2) * 16_000) / rate))
      // The ends are the filter's; the middle must be the same tone, at the same time.
      expect(snr(samples.subarray(1000, 7000), expected.subarray(1000, 7000))).toBeGreaterThan(90)
      expect(info.sampleRate).toBe(rate)
    },
  )

  it('does not depend on where the chunks of the source begin', async () => {
    const file = writeWav([sound, sound], {
      encoding: 's24',
      rate: 44_100,
      after: bytesOf('LIST', le(4, 4), 'abcd'),
    })
    const whole = await decodeBytes(file, { chunk: file.length })
    for (const chunk of [1, 7, 1000]) expect(await decodeBytes(file, { chunk })).toEqual(whole)
  })

  it('passes over other chunks, with their padding', async () => {
    const before = bytesOf('LIST', le(3, 4), 'abc', 0, 'fact', le(4, 4), le(0, 4))
    expect(
      (await decodeBytes(writeWav([sound], { before, after: bytesOf('id3 ', le(2, 4), 'xx') }))).info.samples,
    ).toBe(4000)
  })

  it.each([0xffff_ffff, 0x7fff_f000, 0x8000_0000])(
    'reads a live stream of size %i to its end',
    async (dataSize) => {
      const { info } = await decodeBytes(writeWav([sound], { dataSize, riffSize: dataSize }))
      expect(info.samples).toBe(4000)
    },
  )

  it('reads a live stream whose sizes were never filled in', async () => {
    for (const riffSize of [0, 36, 0xffff_ffff]) {
      expect((await decodeBytes(writeWav([sound], { dataSize: 0, riffSize }))).info.samples).toBe(4000)
    }
  })

  it('reads RF64, whose size has a chunk of its own', async () => {
    const plain = writeWav([sound])
    const data = plain.subarray(44)
    const sizes = bytesOf('ds64', le(28, 4), le(0, 8), le(data.length, 8), le(0, 8), le(0, 4))
    const file = bytesOf(
      'RF64',
      le(0xffff_ffff, 4),
      'WAVE',
      sizes,
      plain.subarray(12, 40),
      le(0xffff_ffff, 4),
      data,
    )
    expect((await decodeBytes(bytesOf(file, 'LIST', le(0, 4)))).info.samples).toBe(4000)
  })

  it('clips floats as a 16-bit path would', async () => {
    const { samples } = await decodeBytes(writeWav([Float32Array.of(3, -3, 0.5)], { encoding: 'f32' }))
    expect([...samples]).toEqual([1, -1, 0.5])
  })
})
