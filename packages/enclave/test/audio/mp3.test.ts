import { describe, expect, it } from 'vitest'
import { bytesOf, le } from './support/bytes.ts'
import { decodeBytes, refusal } from './support/decode.ts'
import { correlation, fixtureSweep, snr, tone } from './support/signals.ts'
import { fixture, hasRecordings, recording } from './support/testdata.ts'

const sweep = fixture('sweep.mp3')
const id3 = (body: string): Uint8Array => bytesOf('ID3', 4, 0, 0, 0, 0, 0, body.length, body)

describe('decoding MP3', () => {
  it('gives the sound that was encoded, at the same time, without the padding of the encoder', async () => {
    const { samples, info } = await decodeBytes(sweep)
    expect(info).toMatchObject({
      format: 'mp3',
      codec: 'mp3',
      sampleRate: 16_000,
      channels: 1,
      samples: 16_000,
    })
    const { best, shift } = correlation(
      samples.subarray(2000, 14_000),
      fixtureSweep().subarray(2000, 14_000),
      50,
    )
    expect(best).toBeGreaterThan(0.999)
    expect(shift).toBe(0)
  })

  it('mixes stereo down and resamples 44.1 kHz', async () => {
    const { samples, info } = await decodeBytes(fixture('stereo.mp3'))
    expect(info).toMatchObject({ sampleRate: 44_100, channels: 2, durationSeconds: 0.1, samples: 1600 })
    const right = tone(1000, 16_000, 0.1, 0.25)
    const mean = tone(440, 16_000, 0.1).map((x, i) => (x + right[i]!) / 2)
    expect(snr(samples.subarray(300, 1300), mean.subarray(300, 1300))).toBeGreaterThan(20)
  })

  it('does not depend on where the chunks of the source begin', async () => {
    const whole = await decodeBytes(sweep, { chunk: sweep.length })
    for (const chunk of [1, 100, 1000]) expect(await decodeBytes(sweep, { chunk })).toEqual(whole)
  })

  it('passes over tags in front, between and behind', async () => {
    const { samples } = await decodeBytes(sweep)
    const tagged = bytesOf(
      id3('title'),
      id3('twice'),
      sweep,
      'APETAGEX',
      new Uint8Array(40),
      'TAG',
      new Uint8Array(125),
    )
    expect((await decodeBytes(tagged)).samples).toEqual(samples)
  })

  it('finds its way again behind damage, and passes over padding at the end', async () => {
    const frameHeader = sweep.subarray(0, 2)
    const starts = [...sweep.keys()].filter(
      (at) => sweep[at] === frameHeader[0] && sweep[at + 1] === frameHeader[1],
    )
    const damaged = bytesOf(sweep, new Uint8Array(500))
    // One header in the middle is destroyed: that frame is lost, no other.
    damaged[starts[10]!] = 0
    const { info } = await decodeBytes(damaged)
    expect(16_000 - info.samples).toBeLessThanOrEqual(2 * 576)
  })

  it.runIf(hasRecordings)('gives the same sound as the WAV and FLAC of one recording', async () => {
    for (const name of ['jfk', '1272-141231-0002']) {
      const wav = await decodeBytes(recording(`${name}.wav`))
      const flac = await decodeBytes(recording(`${name}.flac`))
      const mp3 = await decodeBytes(recording(`${name}.mp3`))
      const middle = (samples: Float32Array): Float32Array => samples.subarray(40_000, 60_000)
      expect(correlation(middle(mp3.samples), middle(wav.samples), 8)).toMatchObject({ shift: 0 })
      expect(snr(mp3.samples, wav.samples)).toBeGreaterThan(15)
      expect(correlation(middle(flac.samples), middle(wav.samples), 8)).toMatchObject({ shift: 0 })
      expect(snr(flac.samples, wav.samples)).toBeGreaterThan(25)
      expect(Math.abs(mp3.samples.length - wav.samples.length)).toBeLessThan(1200)
    }
  })
})

describe('refusing MP3', () => {
  it('refuses a last frame that was cut, and frames that the header promised', async () => {
    expect(await refusal(sweep.subarray(0, -1))).toBe('AUDIO_MALFORMED')
    expect(await refusal(sweep.subarray(0, sweep.length / 2))).toBe('AUDIO_MALFORMED')
    const promising = sweep.slice()
    const xing = Buffer.from(promising).indexOf('Xing')
    promising.set([0, 0, 1, 0], xing + 8)
    expect(await refusal(promising)).toBe('AUDIO_MALFORMED')
  })

  it.each([
    ['a sync word alone', bytesOf(0xff, 0xfb, 0x90, 0x00), 'AUDIO_MALFORMED'],
    [
      'a sync word before noise',
      bytesOf(
        0xff,
        0xfb,
        0x90,
        0x00,
        Uint8Array.from({ length: 9000 }, (_, i) => (i * i) % 251),
      ),
      'AUDIO_MALFORMED',
    ],
    ['100 kB of zeros between frames', bytesOf(sweep, new Uint8Array(100_000), sweep), 'AUDIO_MALFORMED'],
    [
      'an ID3 tag larger than the file',
      bytesOf('ID3', 4, 0, 0, 0x7f, 0x7f, 0x7f, 0x7f, sweep),
      'AUDIO_MALFORMED',
    ],
    ['an ID3 tag with a badly coded size', bytesOf('ID3', 4, 0, 0, 0xff, 0, 0, 0, sweep), 'AUDIO_MALFORMED'],
    ['an ID3 tag before nothing', id3('abc'), 'AUDIO_EMPTY'],
    ['AAC in ADTS', bytesOf(0xff, 0xf1, 0x50, 0x80, new Uint8Array(100)), 'AUDIO_UNSUPPORTED'],
    [
      'an ID3 tag before something else',
      bytesOf(id3('abc'), 'hello, world. hello', le(0, 8)),
      'AUDIO_FORMAT_UNKNOWN',
    ],
  ])('refuses %s', async (_, bytes, code) => {
    expect(await refusal(bytes)).toBe(code)
  })
})
