import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { wavHeader } from '../../../client/src/live/wav-stream.ts'
import { secondsOf } from '../../src/transcript/index.ts'

function wav(bytesPerSecond: number, dataBytes: number, before: Uint8Array = new Uint8Array(0)): Uint8Array {
  const head = Buffer.alloc(44 + before.length)
  head.write('RIFF', 0)
  head.write('WAVEfmt ', 8)
  head.writeUInt32LE(16, 16)
  head.writeUInt32LE(bytesPerSecond, 28)
  head.set(before, 36)
  head.write('data', 36 + before.length)
  head.writeUInt32LE(dataBytes, 40 + before.length)
  return head
}

describe('how long a recording is', () => {
  it('stands in the header of WAV, whatever chunks come before the samples', () => {
    expect(secondsOf(wav(32_000, 320_000), undefined)).toBe(10)
    expect(secondsOf(wav(32_000, 320_000, Buffer.from('LIST\u0003\0\0\0abc\0')), undefined)).toBe(10)
  })

  it('is that of the file where the header does not know, or says more than there is', () => {
    expect(secondsOf(wav(32_000, 0xffffffff), 44 + 64_000)).toBe(2)
    expect(secondsOf(wav(32_000, 320_000_000), 44 + 64_000)).toBe(2)
    expect(secondsOf(wavHeader(16_000), undefined)).toBeUndefined()
  })

  it('stands in the header of FLAC', () => {
    const head = Buffer.alloc(42)
    head.write('fLaC', 0)
    head.writeUInt32BE((44_100 << 12) >>> 0, 18)
    head.writeUInt32BE(441_000, 22)
    expect(secondsOf(head, undefined)).toBe(10)
  })

  it('is not known of anything else, and no header breaks it', () => {
    for (const head of ['OggS', 'ID3', 'RIFF', 'RIFFxxxxWAVE', 'fLaC', ''])
      expect(secondsOf(Buffer.from(head), 1000)).toBeUndefined()
    const begins = fc.constantFrom('RIFFxxxxWAVE', 'fLaC')
    fc.assert(
      fc.property(
        begins,
        fc.uint8Array({ maxLength: 80 }),
        fc.option(fc.nat(), { nil: undefined }),
        (begin, rest, size) => {
          const seconds = secondsOf(Buffer.concat([Buffer.from(begin), rest]), size)
          expect(seconds === undefined || seconds > 0).toBe(true)
        },
      ),
    )
  })
})
