import * as fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { bytesOf } from './support/bytes.ts'
import { refusal } from './support/decode.ts'
import { writeFlac } from './support/flac-writer.ts'
import { readPackets, readPages, writePages } from './support/ogg-writer.ts'
import { tone } from './support/signals.ts'
import { fixture } from './support/testdata.ts'
import { writeWav } from './support/wav-writer.ts'
import { writeWebm } from './support/webm-writer.ts'

const RUNS = process.env['SLOW'] ? 500 : 25
const [head, , ...packets] = readPackets(fixture('sweep.opus')) as [Uint8Array, Uint8Array, ...Uint8Array[]]

const FILES: Readonly<Record<string, Uint8Array>> = {
  wav: writeWav([tone(440, 8000, 0.1), tone(550, 8000, 0.1)], {
    rate: 8000,
    encoding: 'f32',
    extensible: true,
  }),
  flac: fixture('sweep.flac'),
  'simple flac': writeFlac({ channels: [[...Array(300).keys()]], sampleBits: 16, coding: 'linear' }),
  mp3: fixture('sweep.mp3'),
  'stereo mp3': fixture('stereo.mp3'),
  'ogg opus': fixture('sweep.opus'),
  webm: writeWebm(head, packets, { live: true }),
  'laced webm': writeWebm(head, packets, { lacing: 'ebml', framesPerBlock: 4, discardPadding: 1000 }),
}

/** A few changes of the kinds that disks, networks and enemies make. Positions are parts of the length. */
const damage = fc.array(
  fc.record({
    kind: fc.constantFrom('flip', 'byte', 'cut', 'remove', 'copy', 'fill' as const),
    at: fc.oneof(
      fc.double({ min: 0, max: 0.999, noNaN: true }),
      fc.double({ min: 0, max: 0.05, noNaN: true }),
    ),
    from: fc.double({ min: 0, max: 0.999, noNaN: true }),
    value: fc.nat(255),
    length: fc.integer({ min: 1, max: 64 }),
  }),
  { minLength: 1, maxLength: 5 },
)
type Damage = typeof damage extends fc.Arbitrary<infer T> ? T : never

function damaged(original: Uint8Array, changes: Damage): Uint8Array {
  let bytes = original.slice()
  for (const { kind, at: part, from, value, length } of changes) {
    const at = Math.floor(part * bytes.length)
    if (kind === 'flip') bytes[at]! ^= 1 << (value % 8)
    else if (kind === 'byte') bytes[at] = value
    else if (kind === 'cut') bytes = bytes.slice(0, Math.max(1, at))
    else if (kind === 'remove') bytes = bytesOf(bytes.subarray(0, at), bytes.subarray(at + length))
    else if (kind === 'copy')
      bytes.copyWithin(at, Math.floor(from * bytes.length), Math.floor(from * bytes.length) + length)
    else bytes.fill(value, at, at + length)
    if (bytes.length === 0) bytes = original.slice()
  }
  return bytes
}

describe('hostile files', () => {
  const spies = (['log', 'warn', 'error'] as const).map((name) => [name, vi.fn()] as const)
  beforeEach(() => spies.forEach(([name, spy]) => vi.spyOn(console, name).mockImplementation(spy)))
  afterEach(() => {
    vi.restoreAllMocks()
    // What a decoder says about a file may quote it.
    for (const [, spy] of spies) expect(spy).not.toHaveBeenCalled()
  })

  it.each(Object.entries(FILES))('a damaged %s is decoded or refused, quietly', async (_, file) => {
    expect(await refusal(file)).toBe('accepted')
    await fc.assert(
      fc.asyncProperty(damage, async (changes) => {
        expect(await refusal(damaged(file, changes), { maxSeconds: 30 })).toMatch(/^AUDIO_|^accepted$/)
      }),
      { numRuns: RUNS },
    )
  })

  // The checksum of a page keeps accidents from the decoder; an enemy can compute it.
  it('damaged packets behind right checksums are decoded or refused', async () => {
    await fc.assert(
      fc.asyncProperty(damage, fc.nat(), async (changes, choice) => {
        const pages = readPages(fixture('sweep.opus'))
        const page = pages[choice % pages.length]!
        const body = damaged(page.body, changes)
        page.body = bytesOf(body, page.body.subarray(body.length)).slice(0, page.body.length)
        expect(await refusal(writePages(pages), { maxSeconds: 30 })).toMatch(/^AUDIO_|^accepted$/)
      }),
      { numRuns: RUNS },
    )
  })

  it('noise behind any magic number is decoded or refused', async () => {
    const magic = fc.constantFrom(
      'RIFF\0\0\0\0WAVE',
      'FORM\0\0\0\0AIFF',
      'fLaC',
      'OggS',
      '\x1a\x45\xdf\xa3',
      'ID3',
      '\xff\xfb',
      '',
    )
    await fc.assert(
      fc.asyncProperty(magic, fc.uint8Array({ maxLength: 300 }), async (begin, rest) => {
        expect(await refusal(bytesOf(begin, rest), { maxSeconds: 30 })).toMatch(/^AUDIO_|^accepted$/)
      }),
      { numRuns: 4 * RUNS },
    )
  })

  it('a flood of the smallest Opus packets does not outgrow the time limit', async () => {
    // 120 ms each in two bytes: 30 seconds a page.
    const page = readPages(fixture('sweep.opus')).slice(0, 2)
    const silence = bytesOf(0x1b, 2)
    const flood = Array.from({ length: 20 }, (_, i) => ({
      ...page[0]!,
      flags: i === 19 ? 4 : 0,
      sequence: i + 2,
      granule: BigInt((i + 1) * 255 * 5760),
      segments: Array<number>(255).fill(2),
      body: bytesOf(...Array<Uint8Array>(255).fill(silence)),
    }))
    const file = writePages([...page, ...flood])
    expect(file.length).toBeLessThan(20_000)
    expect(await refusal(file, { maxSeconds: 60 })).toBe('AUDIO_TOO_LONG')
  })
})
