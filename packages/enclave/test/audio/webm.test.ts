import { describe, expect, it } from 'vitest'
import { be, bytesOf } from './support/bytes.ts'
import { decodeBytes, refusal } from './support/decode.ts'
import { readPackets } from './support/ogg-writer.ts'
import { fixture } from './support/testdata.ts'
import { element, type WebmOptions, writeWebm } from './support/webm-writer.ts'

const opus = fixture('sweep.opus')
const [head, , ...packets] = readPackets(opus) as [Uint8Array, Uint8Array, ...Uint8Array[]]

/** Samples at 48 kHz in the packets (the last has 10 ms); the Ogg file ends after pre-skip and one second. */
const CODED = 50 * 960 + 480
const DISCARD = Math.round(((CODED - 312 - 48_000) / 48_000) * 1e9)

describe('decoding WebM', () => {
  it.each<[string, WebmOptions]>([
    ['with sizes', {}],
    ['recorded live, without sizes', { live: true }],
    ['with Xiph lacing', { lacing: 'xiph', framesPerBlock: 4 }],
    ['with EBML lacing', { lacing: 'ebml', framesPerBlock: 5 }],
    ['with a video track between', { withVideo: true, live: true }],
  ])('gives the same sound as Ogg: %s', async (_, options) => {
    const ogg = await decodeBytes(opus)
    for (const chunk of [1, 1000, 100_000]) {
      const { samples, info } = await decodeBytes(
        writeWebm(head, packets, { ...options, discardPadding: DISCARD }),
        { chunk },
      )
      expect(samples).toEqual(ogg.samples)
      expect(info).toEqual({ ...ogg.info, format: 'webm' })
    }
  })

  it('reads fixed lacing, for frames of one size', async () => {
    const same = Array<Uint8Array>(8).fill(packets[5]!)
    const plain = await decodeBytes(writeWebm(head, same))
    expect(await decodeBytes(writeWebm(head, same, { lacing: 'fixed', framesPerBlock: 4 }))).toEqual(plain)
  })

  it('keeps the end when nothing says to drop it', async () => {
    expect((await decodeBytes(writeWebm(head, packets))).info.samples).toBe((CODED - 312) / 3)
  })
})

describe('refusing WebM', () => {
  const file = writeWebm(head, packets)

  it('refuses every beginning of a file with sizes as cut', async () => {
    for (let length = 4; length < file.length; length += 83) {
      expect(await refusal(file.subarray(0, length)), `${length} bytes`).toBe('AUDIO_MALFORMED')
    }
    // Even between two blocks.
    const lastBlock = packets.at(-1)!.length + 4 + 5
    expect(await refusal(file.subarray(0, -lastBlock))).toBe('AUDIO_MALFORMED')
  })

  it('refuses a live recording that ends inside an element', async () => {
    const live = writeWebm(head, packets, { live: true })
    expect(await refusal(live)).toBe('accepted')
    expect(await refusal(live.subarray(0, -1))).toBe('AUDIO_MALFORMED')
  })

  const tracksOf = (...entries: Uint8Array[]): Uint8Array =>
    bytesOf(element('1a45dfa3', ''), element('18538067', element('1654ae6b', bytesOf(...entries)), true))

  it.each([
    ['Vorbis', writeWebm(head, packets, { codec: 'A_VORBIS' }), 'AUDIO_UNSUPPORTED'],
    [
      'a codec with an unprintable name',
      writeWebm(head, packets, { codec: '\x00\n<script>' }),
      'AUDIO_UNSUPPORTED',
    ],
    ['an encrypted track', writeWebm(head, packets, { encrypted: true }), 'AUDIO_UNSUPPORTED'],
    ['no tracks', tracksOf(), 'AUDIO_UNSUPPORTED'],
    ['Opus without its header', tracksOf(element('ae', bytesOf(element('86', 'A_OPUS')))), 'AUDIO_MALFORMED'],
    [
      'an element that overruns its parent',
      tracksOf(element('ae', bytesOf(0x86, 0x8f, 'A'))),
      'AUDIO_MALFORMED',
    ],
    [
      'tracks of a gigabyte',
      bytesOf(element('1a45dfa3', ''), 0x16, 0x54, 0xae, 0x6b, 0x08, be(2 ** 30, 4)),
      'AUDIO_MALFORMED',
    ],
    [
      'a block of 2 MB',
      bytesOf(writeWebm(head, [], { live: true }), element('a3', bytesOf(0x81, new Uint8Array(2_000_000)))),
      'AUDIO_MALFORMED',
    ],
    [
      'a block before the tracks',
      bytesOf(element('1a45dfa3', ''), element('18538067', element('1f43b675', ''), true)),
      'AUDIO_MALFORMED',
    ],
    ['another file behind it', bytesOf(file, file), 'AUDIO_MALFORMED'],
    ['no blocks', writeWebm(head, []), 'AUDIO_EMPTY'],
    [
      'a bad lace',
      bytesOf(writeWebm(head, [], { live: true }), element('a3', bytesOf(0x81, 0, 0, 0x86, 200, 1, 2))),
      'AUDIO_MALFORMED',
    ],
    ['an id of five bytes', bytesOf(element('1a45dfa3', ''), 0x08, 1, 2, 3, 4, 0x81, 0), 'AUDIO_MALFORMED'],
  ])('refuses %s', async (_, bytes, code) => {
    expect(await refusal(bytes)).toBe(code)
  })

  it('names a foreign codec only when it is a plain name', async () => {
    await expect(decodeBytes(writeWebm(head, packets, { codec: 'A_VORBIS' }))).rejects.toThrow('A_VORBIS')
    await expect(decodeBytes(writeWebm(head, packets, { codec: '<b>' }))).rejects.toThrow('unnamed')
  })
})
