import { audioError, SUPPORTED_HINT, unsupported } from './errors.ts'
import type { AudioFormat } from './open-audio.ts'

/** Bytes of the beginning that {@link sniffFormat} looks at. Shorter files are judged by what they have. */
export const SNIFF_BYTES = 16

const UNSUPPORTED_FTYP_HINT =
  'AAC in MP4 (m4a) cannot be decoded here: convert it first, for example to FLAC, Opus or WAV'

/** Formats we recognise only to say clearly that they are not decoded. */
const KNOWN_UNSUPPORTED: readonly (readonly [offset: number, magic: string, name: string])[] = [
  [0, 'RIFX', 'big-endian WAV (RIFX)'],
  [0, 'caff', 'Core Audio Format'],
  [0, '.snd', 'Sun audio (AU)'],
  [0, '#!AMR', 'AMR'],
  [0, '\x30\x26\xb2\x75\x8e\x66\xcf\x11', 'Windows Media Audio'],
  [0, 'MAC ', "Monkey's Audio"],
  [0, 'wvpk', 'WavPack'],
  [0, 'ADIF', 'AAC'],
]

/**
 * The container these first bytes begin, from the bytes alone: file names and media types are claims
 * of the client. For an ID3 tag answers `id3`: what follows it decides.
 *
 * @throws `AUDIO_UNSUPPORTED`, `AUDIO_FORMAT_UNKNOWN`, `AUDIO_EMPTY`
 */
export function sniffFormat(head: Uint8Array): AudioFormat | 'id3' {
  if (head.length === 0) throw audioError('AUDIO_EMPTY', 'the audio file has no bytes')
  const text = (offset: number, length: number): string =>
    String.fromCharCode(...head.subarray(offset, offset + length))

  const magic = text(0, 4)
  if ((magic === 'RIFF' || magic === 'RF64' || magic === 'BW64') && text(8, 4) === 'WAVE') return 'wav'
  if (magic === 'FORM' && (text(8, 4) === 'AIFF' || text(8, 4) === 'AIFC')) return 'aiff'
  if (magic === 'fLaC') return 'flac'
  if (magic === 'OggS') return 'ogg'
  if (magic === '\x1a\x45\xdf\xa3') return 'webm'
  if (text(0, 3) === 'ID3') return 'id3'
  if (text(4, 4) === 'ftyp') throw unsupported('MP4 audio (m4a, AAC)', UNSUPPORTED_FTYP_HINT)
  for (const [offset, known, name] of KNOWN_UNSUPPORTED) {
    if (text(offset, known.length) === known) throw unsupported(name)
  }
  if (head[0] === 0xff && (head[1]! & 0xe0) === 0xe0) {
    // Layer bits 00 are reserved in MPEG audio; ADTS uses them.
    if ((head[1]! & 0xf6) === 0xf0) throw unsupported('AAC (ADTS)', UNSUPPORTED_FTYP_HINT)
    return 'mp3'
  }
  throw audioError('AUDIO_FORMAT_UNKNOWN', 'the file is in no audio format known here', {
    hint: SUPPORTED_HINT,
  })
}
