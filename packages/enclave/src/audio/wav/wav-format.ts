import { malformed, unsupported } from '../errors.ts'
import type { SampleKind, SampleLayout } from './sample-reader.ts'

/** Parsed `fmt ` chunk. */
export interface WavFormat {
  readonly layout: SampleLayout
  readonly channels: number
  readonly sampleRate: number
}

const WAVE_FORMAT_PCM = 0x0001
const WAVE_FORMAT_IEEE_FLOAT = 0x0003
const WAVE_FORMAT_ALAW = 0x0006
const WAVE_FORMAT_MULAW = 0x0007
const WAVE_FORMAT_EXTENSIBLE = 0xfffe

/** Names of tags that WAV files do carry, for the refusal. */
const COMPRESSED: Readonly<Record<number, string>> = {
  0x0002: 'Microsoft ADPCM',
  0x0011: 'IMA ADPCM',
  0x0031: 'GSM 6.10',
  0x0050: 'MPEG audio',
  0x0055: 'MP3',
  0x00ff: 'AAC',
}

/** The last 14 bytes of every KSDATAFORMAT_SUBTYPE GUID that stands for a plain format tag. */
const SUBTYPE_TAIL = [0x00, 0x00, 0x00, 0x00, 0x10, 0x00, 0x80, 0x00, 0x00, 0xaa, 0x00, 0x38, 0x9b, 0x71]

/**
 * Parses a `fmt ` chunk (WAVEFORMATEX, mmreg.h; 16, 18 or 40 bytes, longer tails are ignored).
 *
 * @throws `AUDIO_MALFORMED`, `AUDIO_UNSUPPORTED`
 */
export function parseWavFormat(chunk: Uint8Array): WavFormat {
  if (chunk.length < 16)
    throw malformed('the WAV format chunk is too short', { found: `${chunk.length} bytes` })
  const view = new DataView(chunk.buffer, chunk.byteOffset, chunk.byteLength)
  const channels = view.getUint16(2, true)
  const sampleRate = view.getUint32(4, true)
  const blockAlign = view.getUint16(12, true)
  const bitsPerSample = view.getUint16(14, true)

  const kind = sampleKind(formatTag(chunk, view), bitsPerSample)
  const bytesPerSample = Math.ceil(bitsPerSample / 8)
  if (channels === 0) throw malformed('the WAV file has no channels')
  if (blockAlign !== channels * bytesPerSample) {
    throw malformed('the WAV block size contradicts channels and sample size', {
      expected: `${channels * bytesPerSample}`,
      found: `${blockAlign}`,
    })
  }
  // Odd widths (12 or 20 bits) are left-justified in whole bytes, so the container's width decides.
  return { layout: { kind, bits: bytesPerSample * 8, littleEndian: true }, channels, sampleRate }
}

function formatTag(chunk: Uint8Array, view: DataView): number {
  const tag = view.getUint16(0, true)
  if (tag !== WAVE_FORMAT_EXTENSIBLE) return tag
  if (chunk.length < 40) throw malformed('the extensible WAV format chunk is too short')
  if (!SUBTYPE_TAIL.every((byte, i) => chunk[26 + i] === byte)) throw unsupported('this WAV sub-format')
  return view.getUint16(24, true)
}

function sampleKind(tag: number, bits: number): SampleKind {
  if (tag === WAVE_FORMAT_PCM && bits >= 1 && bits <= 32) return bits <= 8 ? 'pcm-unsigned' : 'pcm'
  if (tag === WAVE_FORMAT_IEEE_FLOAT && (bits === 32 || bits === 64)) return 'float'
  if (tag === WAVE_FORMAT_ALAW && bits === 8) return 'alaw'
  if (tag === WAVE_FORMAT_MULAW && bits === 8) return 'mulaw'
  throw unsupported(
    COMPRESSED[tag] ? `${COMPRESSED[tag]} in a WAV file` : `WAV format ${tag} with ${bits} bits`,
    'save it as 16-bit PCM',
  )
}
