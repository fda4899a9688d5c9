import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { bytesOf } from './support/bytes.ts'
import { decodeBytes, refusal } from './support/decode.ts'
import { type FlacOptions, writeConstantFrame, writeFlac } from './support/flac-writer.ts'
import { pageOf, writePages } from './support/ogg-writer.ts'
import { fixtureSweep, snr, tone } from './support/signals.ts'
import { fixture } from './support/testdata.ts'

/** Integer samples of every width, channel count, coding and stereo mode that the format has. */
const files: fc.Arbitrary<FlacOptions> = fc
  .record({
    sampleBits: fc.constantFrom(4, 8, 12, 16, 20, 24, 32),
    channelCount: fc.integer({ min: 1, max: 8 }),
    length: fc.integer({ min: 17, max: 200 }),
    coding: fc.constantFrom('constant', 'verbatim', 'fixed', 'linear' as const),
    stereo: fc.constantFrom('left-side', 'side-right', 'mid-side' as const),
    wastedBits: fc.integer({ min: 0, max: 2 }),
    seed: fc.integer(),
  })
  .map(({ channelCount, length, coding: wished, sampleBits, seed, stereo, wastedBits }) => {
    // Residuals of 32-bit noise need 34 bits, which the format does not have.
    const coding = sampleBits === 32 && wished !== 'constant' ? 'verbatim' : wished
    let state = seed >>> 0
    const random = (): number => (state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0) / 2 ** 32
    const unit = 2 ** wastedBits
    const top = 2 ** (sampleBits - 1) / unit
    const sample = (): number => Math.floor((random() * 2 - 1) * top) * unit
    const channels = Array.from({ length: channelCount }, () => {
      const first = sample()
      return Array.from({ length }, () => (coding === 'constant' ? first : sample()))
    })
    // Wasted bits of a decorrelated channel are those of its own values, so leave that to independent ones.
    const isStereo = channelCount === 2
    return { channels, sampleBits, coding, ...(isStereo ? { stereo } : { wastedBits }) }
  })

describe('decoding FLAC', () => {
  it('gives back the average of any samples, exactly', async () => {
    await fc.assert(
      fc.asyncProperty(files, fc.integer({ min: 1, max: 500 }), async (options, chunk) => {
        const { channels, sampleBits } = options
        const scale = 2 ** (1 - sampleBits)
        const mean = channels[0]!.map(
          (_, i) => channels.reduce((sum, channel) => sum + channel[i]!, 0) / channels.length,
        )
        const { samples, info } = await decodeBytes(writeFlac(options), { chunk })
        expect(samples).toEqual(Float32Array.from(mean, (x) => x * scale))
        expect(info).toMatchObject({ format: 'flac', codec: 'flac', channels: channels.length })
      }),
      { numRuns: process.env['SLOW'] ? 500 : 40 },
    )
  })

  it('reads what a real encoder writes', async () => {
    const sweep = await decodeBytes(fixture('sweep.flac'))
    expect(snr(sweep.samples, fixtureSweep().subarray(0, 4000))).toBeGreaterThan(80)
    const stereo = await decodeBytes(fixture('stereo.flac'))
    expect(stereo.info).toMatchObject({
      sampleRate: 44_100,
      channels: 2,
      durationSeconds: 0.1,
      samples: 1600,
    })
    const [left, right] = [tone(440, 16_000, 0.1), tone(1000, 16_000, 0.1, 0.25)]
    const mean = left.map((x, i) => (x + right[i]!) / 2)
    expect(snr(stereo.samples.subarray(200, 1400), mean.subarray(200, 1400))).toBeGreaterThan(80)
  })

  it('reads FLAC in Ogg, and behind an ID3 tag', async () => {
    const plain = fixture('sweep.flac')
    const expected = (await decodeBytes(plain)).samples
    const mapping = bytesOf(0x7f, 'FLAC', 1, 0, 0, 1)
    const firstFrame = 4 + 4 + 34
    const ogg = writePages([
      pageOf([bytesOf(mapping, plain.subarray(0, firstFrame))], { flags: 2 }),
      pageOf([plain.subarray(firstFrame)], { flags: 4, sequence: 1, granule: 4000n }),
    ])
    const { samples, info } = await decodeBytes(ogg)
    expect(samples).toEqual(expected)
    expect(info).toMatchObject({ format: 'ogg', codec: 'flac' })
    const tagged = bytesOf('ID3', 4, 0, 0, 0, 0, 0, 3, 'abc', plain)
    expect((await decodeBytes(tagged)).samples).toEqual(expected)
  })
})

describe('refusing FLAC', () => {
  it('refuses any changed bit behind the metadata', async () => {
    const file = writeFlac({
      channels: [Array.from({ length: 128 }, (_, i) => (i * 37) % 100)],
      sampleBits: 16,
      coding: 'fixed',
    })
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 54, max: file.length - 1 }), fc.nat(7), async (at, bit) => {
        const copy = file.slice()
        copy[at]! ^= 1 << bit
        expect(await refusal(copy)).toBe('AUDIO_MALFORMED')
      }),
      { numRuns: process.env['SLOW'] ? 500 : 25 },
    )
  })

  it('refuses every beginning of a file as cut', async () => {
    const file = fixture('sweep.flac')
    for (let length = 4; length < file.length; length += 61) {
      expect(await refusal(file.subarray(0, length)), `${length} bytes`).toBe('AUDIO_MALFORMED')
    }
  })

  it('refuses missing frames, even when the total is not stated', async () => {
    const options = { channels: [Array.from({ length: 256 }, (_, i) => i)], sampleBits: 16, totalSamples: 0 }
    const file = writeFlac(options)
    expect(await refusal(file)).toBe('accepted')
    const frame = (file.length - 54) / 4
    const without = bytesOf(file.subarray(0, 54 + frame), file.subarray(54 + 2 * frame))
    expect(await refusal(without)).toBe('AUDIO_MALFORMED')
  })

  it('refuses more samples than announced', async () => {
    const channels = [Array.from({ length: 100 }, (_, i) => i)]
    expect(await refusal(writeFlac({ channels, sampleBits: 16, totalSamples: 90 }))).toBe('AUDIO_MALFORMED')
    expect(await refusal(writeFlac({ channels, sampleBits: 16, totalSamples: 101 }))).toBe('AUDIO_MALFORMED')
  })

  it('stops at the time limit when a few bytes claim hours', async () => {
    const head = writeFlac({ channels: [[]], sampleBits: 16, blockSize: 65_535, totalSamples: 0 })
    const frames = Array.from({ length: 40 }, (_, i) => writeConstantFrame(65_535, i, 16))
    const file = bytesOf(head, ...frames)
    expect(file.length).toBeLessThan(1000)
    // Forty frames are 164 seconds.
    expect(await refusal(file)).toBe('accepted')
    expect(await refusal(file, { maxSeconds: 60 })).toBe('AUDIO_TOO_LONG')
    const promised = writeFlac({ channels: [[]], sampleBits: 16, totalSamples: 2 ** 36 - 1 })
    expect(await refusal(promised)).toBe('AUDIO_TOO_LONG')
  })
})
