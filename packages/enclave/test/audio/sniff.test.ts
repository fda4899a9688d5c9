import { describe, expect, it } from 'vitest'
import { sniffFormat } from '../../src/audio/sniff.ts'
import { bytesOf, le } from './support/bytes.ts'
import { decodeBytes, refusal } from './support/decode.ts'
import { fixture } from './support/testdata.ts'

describe('recognising formats by their first bytes', () => {
  it.each([
    ['wav', bytesOf('RIFF', le(0, 4), 'WAVE')],
    ['wav', bytesOf('RF64', le(0, 4), 'WAVE')],
    ['aiff', bytesOf('FORM', le(0, 4), 'AIFC')],
    ['flac', bytesOf('fLaC')],
    ['ogg', bytesOf('OggS')],
    ['webm', bytesOf(0x1a, 0x45, 0xdf, 0xa3)],
    ['mp3', bytesOf(0xff, 0xfb, 0x90, 0)],
    ['mp3', bytesOf(0xff, 0xe3, 0x90, 0)],
    ['id3', bytesOf('ID3', 4, 0)],
  ])('knows %s', (format, head) => {
    expect(sniffFormat(head)).toBe(format)
  })

  it.each([
    ['m4a', bytesOf(0, 0, 0, 0x20, 'ftypM4A ', le(0, 4))],
    ['mp4', bytesOf(0, 0, 0, 0x18, 'ftypmp42', le(0, 4))],
    ['AAC', bytesOf(0xff, 0xf9, 0x50, 0x80)],
    ['AMR', bytesOf('#!AMR\n')],
    ['WMA', bytesOf(0x30, 0x26, 0xb2, 0x75, 0x8e, 0x66, 0xcf, 0x11)],
    ['CAF', bytesOf('caff', 0, 1, 0, 0)],
    ['big-endian WAV', bytesOf('RIFX', le(0, 4), 'WAVE')],
  ])('refuses %s by its name, saying what to send', async (_, head) => {
    expect(await refusal(head)).toBe('AUDIO_UNSUPPORTED')
    await expect(decodeBytes(head)).rejects.toMatchObject({
      action: 'fix-input',
      hint: expect.stringMatching(/convert|send/),
    })
  })

  it.each([
    ['text', bytesOf('Dear diary, today')],
    ['JSON', bytesOf('{"audio": 1}')],
    ['a RIFF file that is no WAV', bytesOf('RIFF', le(0, 4), 'AVI LIST')],
    ['zeros', new Uint8Array(1000)],
    ['one byte', bytesOf(0xff)],
    ['the end of a magic number', bytesOf('LaC', new Uint8Array(20))],
  ])('refuses %s as unknown', async (_, head) => {
    expect(await refusal(head)).toBe('AUDIO_FORMAT_UNKNOWN')
  })

  it('does not depend on where the first chunk ends', async () => {
    for (const name of ['sweep.mp3', 'sweep.flac', 'sweep.opus']) {
      expect(await refusal(fixture(name), { chunk: 1 })).toBe('accepted')
    }
  })
})
