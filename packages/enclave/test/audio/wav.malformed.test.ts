import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { bytesOf, le } from './support/bytes.ts'
import { refusal } from './support/decode.ts'
import { tone } from './support/signals.ts'
import { hasRecordings, recording } from './support/testdata.ts'
import { wavHeader, writeWav } from './support/wav-writer.ts'

const file = writeWav([tone(440, 16_000, 0.05)])

/** The file with some bytes replaced. */
function patched(at: number, bytes: Uint8Array): Uint8Array {
  const copy = file.slice()
  copy.set(bytes, at)
  return copy
}

describe('refusing WAV', () => {
  it('refuses every beginning of a file as cut, never as a shorter recording', async () => {
    for (let length = 12; length < file.length; length += length < 60 ? 1 : 97) {
      expect(await refusal(file.subarray(0, length)), `${length} bytes`).toBe('AUDIO_MALFORMED')
    }
  })

  it('refuses half a sample frame at the end of a live stream', async () => {
    const live = writeWav([tone(440, 16_000, 0.05)], { dataSize: 0xffff_ffff })
    expect(await refusal(live)).toBe('accepted')
    expect(await refusal(live.subarray(0, -1))).toBe('AUDIO_MALFORMED')
  })

  it.each([
    ['a file without samples', writeWav([new Float32Array(0)]), 'AUDIO_EMPTY'],
    [
      'an empty data chunk before others',
      writeWav([], { after: bytesOf('LIST', le(4, 4), 'abcd') }),
      'AUDIO_MALFORMED',
    ],
    ['no bytes', new Uint8Array(0), 'AUDIO_EMPTY'],
    ['samples before their format', bytesOf(file.subarray(0, 12), 'data', le(2, 4), 0, 0), 'AUDIO_MALFORMED'],
    [
      'a format chunk of 14 bytes',
      bytesOf(file.subarray(0, 16), le(14, 4), file.subarray(20)),
      'AUDIO_MALFORMED',
    ],
    ['a format chunk of a gigabyte', patched(16, le(2 ** 30, 4)), 'AUDIO_MALFORMED'],
    ['no channels', patched(22, le(0, 2)), 'AUDIO_MALFORMED'],
    ['a block size that contradicts the rest', patched(32, le(4, 2)), 'AUDIO_MALFORMED'],
    ['a rate of 999 Hz', patched(24, le(999, 4)), 'AUDIO_UNSUPPORTED'],
    ['a rate of 4 GHz', patched(24, le(0xffff_ffff, 4)), 'AUDIO_UNSUPPORTED'],
    ['13 bytes per sample', patched(34, le(104, 2)), 'AUDIO_UNSUPPORTED'],
    ['IMA ADPCM', patched(20, le(0x11, 2)), 'AUDIO_UNSUPPORTED'],
    ['MP3 in WAV', patched(20, le(0x55, 2)), 'AUDIO_UNSUPPORTED'],
    ['a data size that is no whole number of frames', patched(40, le(801, 4)), 'AUDIO_MALFORMED'],
    [
      'too many chunks',
      bytesOf(file.subarray(0, 12), ...Array(300).fill(bytesOf('abcd', le(0, 4)))),
      'AUDIO_MALFORMED',
    ],
    ['33 channels', writeWav(Array.from({ length: 33 }, () => new Float32Array(4))), 'AUDIO_UNSUPPORTED'],
    ['not a number', writeWav([Float32Array.of(0, NaN)], { encoding: 'f32' }), 'AUDIO_MALFORMED'],
    ['infinity', writeWav([Float32Array.of(0, -Infinity)], { encoding: 'f64' }), 'AUDIO_MALFORMED'],
    [
      'an extensible format cut short',
      bytesOf(file.subarray(0, 20), le(0xfffe, 2), file.subarray(22)),
      'AUDIO_MALFORMED',
    ],
  ])('refuses %s', async (_, bytes, code) => {
    expect(await refusal(bytes)).toBe(code)
  })

  it('refuses an unknown sub-format of the extensible format', async () => {
    const copy = writeWav([tone(440, 16_000, 0.05)], { extensible: true })
    copy[50]! ^= 1
    expect(await refusal(copy)).toBe('AUDIO_UNSUPPORTED')
  })

  it('answers or refuses, whatever the bytes behind the first twelve', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 400 }), async (rest) => {
        expect(await refusal(bytesOf('RIFF', le(rest.length, 4), 'WAVE', rest))).toMatch(/^AUDIO_|^accepted$/)
        expect(await refusal(bytesOf(wavHeader(1, 0, { dataSize: 0xffff_ffff }), rest))).toMatch(
          /^AUDIO_|^accepted$/,
        )
      }),
      { numRuns: process.env['SLOW'] ? 500 : 25 },
    )
  })

  it.runIf(hasRecordings)('refuses the malformed recordings of other projects', async () => {
    expect(await refusal(recording('malformed-awful.wav'))).toBe('AUDIO_UNSUPPORTED')
    expect(await refusal(recording('malformed-bad.wav'))).toBe('AUDIO_MALFORMED')
    expect(await refusal(recording('malformed-evil.wav'))).toBe('AUDIO_MALFORMED')
    expect(await refusal(recording('malformed-null.wav'))).toBe('AUDIO_EMPTY')
  })
})
