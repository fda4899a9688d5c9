import { describe, expect, it } from 'vitest'
import { bytesOf, le } from './support/bytes.ts'
import { decodeBytes, refusal } from './support/decode.ts'
import { pageOf, readPackets, readPages, type TestPage, writePages } from './support/ogg-writer.ts'
import { correlation, fixtureSweep } from './support/signals.ts'
import { fixture, hasRecordings, recording } from './support/testdata.ts'

const opus = fixture('sweep.opus')
const vorbis = fixture('sweep.ogg')
const [head, tags, ...packets] = readPackets(opus) as [Uint8Array, Uint8Array, ...Uint8Array[]]

/** The Opus fixture with some pages changed. */
function opusWith(change: (pages: TestPage[]) => TestPage[] | void): Uint8Array {
  const pages = readPages(opus)
  return writePages(change(pages) ?? pages)
}

describe('decoding Ogg', () => {
  it('gives the sound that was encoded as Opus', async () => {
    const { samples, info } = await decodeBytes(opus)
    expect(info).toEqual({
      format: 'ogg',
      codec: 'opus',
      sampleRate: 48_000,
      channels: 1,
      durationSeconds: 1,
      samples: 16_000,
    })
    const { best, shift } = correlation(
      samples.subarray(2000, 14_000),
      fixtureSweep().subarray(2000, 14_000),
      50,
    )
    expect(best).toBeGreaterThan(0.99)
    expect(shift).toBe(0)
  })

  it('does not depend on chunks, nor on how packets lie on pages', async () => {
    const whole = await decodeBytes(opus, { chunk: opus.length })
    for (const chunk of [1, 100]) expect(await decodeBytes(opus, { chunk })).toEqual(whole)
    const last = packets.length - 1
    const repaged = writePages([
      pageOf([head], { flags: 2 }),
      pageOf([tags], { sequence: 1 }),
      ...packets.map((packet, i) =>
        pageOf([packet], {
          flags: i === last ? 4 : 0,
          sequence: i + 2,
          granule: i === last ? 48_312n : BigInt((i + 1) * 960),
        }),
      ),
    ])
    expect(await decodeBytes(repaged)).toEqual(whole)
  })

  it('puts packets together that span pages', async () => {
    const long = bytesOf(tags, new Uint8Array(65_025 + 300 - tags.length))
    const segments = { first: Array<number>(255).fill(255), second: [255, 45] }
    const file = opusWith((pages) => {
      const [first, , ...rest] = pages as [TestPage, TestPage, ...TestPage[]]
      const begun = {
        ...pageOf([]),
        serial: first.serial,
        sequence: 1,
        granule: -1n,
        segments: segments.first,
        body: long.slice(0, 65_025),
      }
      const ended = {
        ...begun,
        flags: 1,
        sequence: 2,
        granule: 0n,
        segments: segments.second,
        body: long.slice(65_025),
      }
      return [first, begun, ended, ...rest.map((page) => ({ ...page, sequence: page.sequence + 1 }))]
    })
    expect((await decodeBytes(file)).samples).toEqual((await decodeBytes(opus)).samples)
  })

  it('applies the output gain', async () => {
    const plain = (await decodeBytes(opus)).samples
    const louder = opusWith((pages) => void pages[0]!.body.set(le(256 * 6, 2), 16))
    const { samples } = await decodeBytes(louder)
    expect(samples[8000]! / plain[8000]!).toBeCloseTo(10 ** (6 / 20), 4)
  })

  it('takes the position of a live capture as its beginning', async () => {
    const live = opusWith((pages) => {
      const [first, second, sound] = pages as [TestPage, TestPage, TestPage]
      const packetPages = packets.map((packet, i) =>
        pageOf([packet], {
          serial: first.serial,
          sequence: i + 2,
          granule: BigInt(1_000_000 + (i + 1) * 960),
        }),
      )
      packetPages.at(-1)!.flags = 4
      packetPages.at(-1)!.granule = sound.granule + 1_000_000n
      return [first, second, ...packetPages]
    })
    expect((await decodeBytes(live)).samples).toEqual((await decodeBytes(opus)).samples)
  })

  it('passes over other streams of the file', async () => {
    const mixed = opusWith(([first, ...rest]) => [
      { ...pageOf([bytesOf('fishead', 0, new Uint8Array(56))], { flags: 2 }), serial: 77 },
      first!,
      { ...pageOf([bytesOf('other')]), serial: 77, sequence: 1 },
      ...rest,
      { ...pageOf([bytesOf('other')]), serial: 77, sequence: 2, flags: 4 },
    ])
    expect((await decodeBytes(mixed)).samples).toEqual((await decodeBytes(opus)).samples)
  })

  it.runIf(hasRecordings)('decodes recordings of other encoders', async () => {
    const mono = await decodeBytes(recording('silero_test.opus'))
    expect(mono.info).toMatchObject({ codec: 'opus', channels: 1, samples: 129_024 })
    const stereo = await decodeBytes(recording('stereo.opus'))
    expect(stereo.info).toMatchObject({ codec: 'opus', channels: 2, samples: 16_087 })
    expect(Math.max(...stereo.samples)).toBeGreaterThan(0.05)
  })
})

describe('refusing Ogg', () => {
  it('refuses any changed byte of a page, by its checksum', async () => {
    for (let at = 4; at < opus.length; at += 97) {
      const copy = opus.slice()
      copy[at]! ^= 0x10
      expect(await refusal(copy), `byte ${at}`).toBe('AUDIO_MALFORMED')
    }
  })

  it('refuses every beginning of a file as cut', async () => {
    const pages = readPages(opus)
    for (let count = 1; count < pages.length; count++) {
      expect(await refusal(writePages(pages.slice(0, count)))).toBe('AUDIO_MALFORMED')
    }
    expect(await refusal(opus.subarray(0, -10))).toBe('AUDIO_MALFORMED')
  })

  it.each([
    [
      'a missing page',
      (pages: TestPage[]) => pages.map((page) => ({ ...page, sequence: page.sequence * 2 })),
      'AUDIO_MALFORMED',
    ],
    [
      'a second recording behind the first',
      (pages: TestPage[]) => [...pages, ...pages.map((page) => ({ ...page, serial: 5 }))],
      'AUDIO_UNSUPPORTED',
    ],
    [
      'pages behind the last',
      (pages: TestPage[]) => [...pages, { ...pages[2]!, sequence: 3 }],
      'AUDIO_MALFORMED',
    ],
    ['no Opus header', (pages: TestPage[]) => pages.slice(1), 'AUDIO_MALFORMED'],
    [
      'no comment header',
      (pages: TestPage[]) => [pages[0]!, { ...pages[2]!, sequence: 1 }],
      'AUDIO_MALFORMED',
    ],
    [
      'an impossible position',
      (pages: TestPage[]) => pages.map((page) => ({ ...page, granule: -5n })),
      'AUDIO_MALFORMED',
    ],
    [
      'a continued packet that never began',
      (pages: TestPage[]) => pages.map((page, i) => (i === 2 ? { ...page, flags: 5 } : page)),
      'AUDIO_MALFORMED',
    ],
    [
      'an empty Opus packet',
      (pages: TestPage[]) => [...pages.slice(0, 2), { ...pages[2]!, segments: [0], body: bytesOf() }],
      'AUDIO_MALFORMED',
    ],
    [
      'an Opus packet of noise',
      (pages: TestPage[]) => [
        ...pages.slice(0, 2),
        { ...pages[2]!, segments: [4], body: bytesOf(0xff, 0xff, 0xff, 0xff) },
      ],
      'AUDIO_MALFORMED',
    ],
    ['Speex', () => [pageOf([bytesOf('Speex   ', new Uint8Array(72))], { flags: 2 })], 'AUDIO_UNSUPPORTED'],
    ['a file of text', () => [pageOf([bytesOf('something else')], { flags: 2 })], 'AUDIO_UNSUPPORTED'],
    ['no sound', (pages: TestPage[]) => [pages[0]!, { ...pages[1]!, flags: 4 }], 'AUDIO_EMPTY'],
  ])('refuses %s', async (_, change, code) => {
    expect(await refusal(writePages(change(readPages(opus))))).toBe(code)
  })

  it.each([
    ['nine channels', 9, bytesOf(9), 'AUDIO_UNSUPPORTED'],
    ['no channels', 9, bytesOf(0), 'AUDIO_UNSUPPORTED'],
    ['three channels without a mapping', 9, bytesOf(3), 'AUDIO_MALFORMED'],
    ['a version to come', 8, bytesOf(0x10), 'AUDIO_UNSUPPORTED'],
    ['an ambisonic mapping', 18, bytesOf(3), 'AUDIO_UNSUPPORTED'],
    ['a mapping cut short', 18, bytesOf(1), 'AUDIO_MALFORMED'],
  ])('refuses an Opus header with %s', async (_, at, bytes, code) => {
    expect(await refusal(opusWith((pages) => void pages[0]!.body.set(bytes, at)))).toBe(code)
  })

  it('refuses Vorbis by its name, saying what to send', async () => {
    await expect(decodeBytes(vorbis)).rejects.toMatchObject({
      code: 'AUDIO_UNSUPPORTED',
      action: 'fix-input',
      message: 'Ogg Vorbis is not supported',
      hint: expect.stringMatching(/^send WAV, .*Ogg \(Opus or FLAC\)/),
    })
  })
})
