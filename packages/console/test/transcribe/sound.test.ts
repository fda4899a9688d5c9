import { wavHeader } from '@sotto/client/live'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { peakMeter, reducePeaks } from '../../src/audio/peaks.ts'
import { soundKindOf } from '../../src/audio/sniff.ts'
import { samplesOfWav, wavLayoutOf } from '../../src/audio/wav.ts'
import { admit, MAX_BYTES, NotAdmitted } from '../../src/pages/transcribe/admit.ts'

const note = new Uint8Array(
  readFileSync(join(import.meta.dirname, '../../../../models/demo/session-note.wav')),
)
const ascii = (text: string): Uint8Array<ArrayBuffer> => Uint8Array.from(text, (one) => one.charCodeAt(0))

describe('peaks', () => {
  it('are the loudest of each step, whatever pieces they came in', () => {
    const samples = Float32Array.from({ length: 16_000 }, (_, at) => (at < 8000 ? 0.1 : -0.5))
    const [whole, pieces] = [peakMeter(8000), peakMeter(8000)]
    whole.add(samples)
    for (let at = 0; at < samples.length; at += 777) pieces.add(samples.subarray(at, at + 777))
    expect(whole.seconds).toBe(2)
    expect([...whole.peaks(4)]).toEqual([51, 51, 255, 255])
    expect(pieces.peaks(100)).toEqual(whole.peaks(100))
  })

  it('silence and a short sound have them too', () => {
    const meter = peakMeter(8000)
    expect(meter.peaks(10)).toHaveLength(0)
    meter.add(new Float32Array(100))
    expect([...meter.peaks(10)]).toEqual([0])
    expect([...reducePeaks([1, 4, 2], 10)]).toEqual([64, 255, 128])
  })
})

describe('WAV', () => {
  it('the samples of a recording are found', () => {
    const layout = wavLayoutOf(note)!
    expect(layout).toMatchObject({ rate: 16_000, channels: 1, bits: 16, isFloat: false, start: 44 })
    const samples = samplesOfWav(note.subarray(44), layout)
    expect(samples.length / layout.rate).toBeCloseTo(10.5, 0)
    expect(samples.every((sample) => Math.abs(sample) <= 1)).toBe(true)
  })

  it('a header that was written is read', () => {
    expect(wavLayoutOf(wavHeader(16_000, 1234))).toEqual({
      rate: 16_000,
      channels: 1,
      bits: 16,
      isFloat: false,
      start: 44,
      bytes: 1234,
    })
  })

  it('24 bits, and the first of two channels', () => {
    const layout = { rate: 8000, channels: 2, bits: 24, isFloat: false, start: 0, bytes: 0 }
    const bytes = Uint8Array.of(0, 0, 0x40, 1, 2, 3, 0, 0, 0xc0, 1, 2, 3)
    expect([...samplesOfWav(bytes, layout)]).toEqual([0.5, -0.5])
  })

  it('what is cut or compressed has no layout', () => {
    for (const length of [0, 11, 20, 36]) expect(wavLayoutOf(note.subarray(0, length))).toBeUndefined()
    const compressed = wavHeader(8000, 8)
    compressed[20] = 2
    expect(wavLayoutOf(compressed)).toBeUndefined()
    const endless = wavHeader(8000, 8)
    endless.set([0xff, 0xff, 0xff, 0xff], 16)
    expect(wavLayoutOf(endless)).toBeUndefined()
  })
})

describe('a file', () => {
  it('is judged by its beginning', () => {
    expect(
      ['RIFF....WAVE', 'fLaC', 'OggS', 'ID3', '\x1a\x45\xdf\xa3', '\xff\xfb\x90'].map((head) =>
        soundKindOf(ascii(head)),
      ),
    ).toEqual(Array(6).fill('read'))
    expect(['....ftypM4A ', 'caff', '\xff\xf1\x50'].map((head) => soundKindOf(ascii(head)))).toEqual(
      Array(3).fill('foreign'),
    )
    expect(['', 'R', 'these are notes', 'RIFF....AVI '].map((head) => soundKindOf(ascii(head)))).toEqual(
      Array(4).fill('none'),
    )
  })

  it('is refused before it is read where it is too large', async () => {
    const file = {
      size: MAX_BYTES + 1,
      slice: () => {
        throw new Error('it was read')
      },
    }
    await expect(admit(file as unknown as Blob)).rejects.toThrow('268.4 MB')
  })

  it('that is no sound, empty or unreadable is refused in words', async () => {
    await expect(admit(new Blob(['these are notes']))).rejects.toThrow(NotAdmitted)
    await expect(admit(new Blob([]))).rejects.toThrow('empty')
    const folder = { size: 4096, slice: () => ({ arrayBuffer: () => Promise.reject(new Error('NotFound')) }) }
    await expect(admit(folder as unknown as Blob)).rejects.toThrow('cannot be read')
    expect(await admit(new Blob([note]))).toEqual({ isForeign: false })
    expect(await admit(new Blob([ascii('....ftypM4A ')]))).toEqual({ isForeign: true })
  })
})
