import { describe, expect, it } from 'vitest'
import { be, bytesOf } from './support/bytes.ts'
import { decodeBytes, refusal } from './support/decode.ts'
import { snr, tone } from './support/signals.ts'

const sound = tone(440, 16_000, 0.1)

/** 16000 Hz as an 80-bit extended number: 1.953125 * 2^13. */
const RATE_16000 = bytesOf(be(0x400c, 2), be(0xfa00_0000, 4), be(0, 4))

interface AiffOptions {
  bits?: number
  type?: string
  channels?: number
  frames?: number
  rate?: Uint8Array
}

function writeAiff(
  data: Uint8Array,
  { bits = 16, type, channels = 1, frames, rate }: AiffOptions = {},
): Uint8Array {
  const count = frames ?? data.length / channels / (bits / 8)
  const common = bytesOf(
    be(channels, 2),
    be(count, 4),
    be(bits, 2),
    rate ?? RATE_16000,
    type ? bytesOf(type, 0, 0) : '',
  )
  const body = bytesOf('COMM', be(common.length, 4), common, 'SSND', be(data.length + 8, 4), be(0, 8), data)
  return bytesOf('FORM', be(body.length + 4, 4), type ? 'AIFC' : 'AIFF', body)
}

const s16 = bytesOf(...[...sound].map((x) => be((Math.round(x * 32_768) + 65_536) % 65_536, 2)))

describe('decoding AIFF', () => {
  it('reads 16-bit samples', async () => {
    const { samples, info } = await decodeBytes(writeAiff(s16))
    expect(snr(samples, sound)).toBeGreaterThan(85)
    expect(info).toMatchObject({ format: 'aiff', codec: 'pcm_s16be', sampleRate: 16_000, samples: 1600 })
  })

  it('reads the little-endian, float and logarithmic types of AIFC', async () => {
    const swapped = s16.map((_, i) => s16[i ^ 1]!)
    expect(snr((await decodeBytes(writeAiff(swapped, { type: 'sowt' }))).samples, sound)).toBeGreaterThan(85)
    const view = new DataView(new ArrayBuffer(4 * sound.length))
    sound.forEach((x, i) => view.setFloat32(4 * i, x))
    const floats = writeAiff(new Uint8Array(view.buffer), { type: 'fl32', bits: 32 })
    expect(snr((await decodeBytes(floats)).samples, sound)).toBeGreaterThan(140)
    const alaw = writeAiff(new Uint8Array(100).fill(0xd5), { type: 'alaw', bits: 8 })
    expect((await decodeBytes(alaw)).info.codec).toBe('pcm_alaw')
  })
})

describe('refusing AIFF', () => {
  it.each([
    ['a cut file', writeAiff(s16).subarray(0, -1), 'AUDIO_MALFORMED'],
    ['more frames than bytes', writeAiff(s16, { frames: 1601 }), 'AUDIO_MALFORMED'],
    ['a compressed type', writeAiff(s16, { type: 'ima4' }), 'AUDIO_UNSUPPORTED'],
    ['an impossible rate', writeAiff(s16, { rate: bytesOf(be(0x7fff, 2), be(0, 8)) }), 'AUDIO_UNSUPPORTED'],
    ['no channels', writeAiff(s16, { channels: 0, frames: 1 }), 'AUDIO_UNSUPPORTED'],
    ['40-bit samples', writeAiff(s16, { bits: 40, frames: 10 }), 'AUDIO_UNSUPPORTED'],
    ['no samples', writeAiff(new Uint8Array(0)), 'AUDIO_EMPTY'],
  ])('refuses %s', async (_, bytes, code) => {
    expect(await refusal(bytes)).toBe(code)
  })
})
