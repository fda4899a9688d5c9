import { ByteStream } from '../byte-stream.ts'
import { malformed, unsupported } from '../errors.ts'
import { openFlac } from '../flac/flac.ts'
import type { AudioLimits } from '../limits.ts'
import type { OpenAudio } from '../open-audio.ts'
import { type PageOfPackets, readLogicalStream } from './logical-stream.ts'
import { openOggOpus } from './ogg-opus.ts'
import { type OggPage, readOggPage } from './page.ts'

/** Logical streams one file may multiplex. */
const MAX_STREAMS = 16

const OPENERS: readonly (readonly [magic: string, open: OpenStream])[] = [
  ['OpusHead', openOggOpus],
  ['\x7fFLAC', openOggFlac],
]

/** Codecs we recognise only to say clearly that they are not decoded. */
const KNOWN_UNSUPPORTED: readonly (readonly [magic: string, name: string])[] = [
  ['\x01vorbis', 'Ogg Vorbis'],
  ['Speex   ', 'Ogg Speex'],
]

type OpenStream = (stream: AsyncGenerator<PageOfPackets>, limits: AudioLimits) => Promise<OpenAudio>

/**
 * Opens the first stream of an Ogg file (RFC 3533) that holds Opus or FLAC.
 *
 * @throws `AUDIO_MALFORMED`, `AUDIO_UNSUPPORTED`
 */
export async function openOgg(input: ByteStream, limits: AudioLimits): Promise<OpenAudio> {
  const { beginnings, next } = await readBeginnings(input)
  for (const [magic, open] of OPENERS) {
    const first = beginnings.find((page) => startsWith(page.body, magic))
    if (first) return open(readLogicalStream(input, first, next ? [next] : []), limits)
  }
  for (const [magic, name] of KNOWN_UNSUPPORTED)
    if (beginnings.some((page) => startsWith(page.body, magic))) throw unsupported(name)
  throw unsupported('an Ogg file without Opus or FLAC')
}

/** Every stream begins before any of them goes on (RFC 3533 Section 4). */
async function readBeginnings(
  input: ByteStream,
): Promise<{ beginnings: OggPage[]; next: OggPage | undefined }> {
  const beginnings: OggPage[] = []
  for (;;) {
    const page = await readOggPage(input)
    if (!page?.isFirst) {
      if (beginnings.length === 0)
        throw malformed('the Ogg file does not begin with the beginning of a stream')
      return { beginnings, next: page }
    }
    if (beginnings.push(page) > MAX_STREAMS) throw malformed('the Ogg file has too many streams')
  }
}

/** FLAC in Ogg (RFC 9639 Section 10.1) is a native stream in packets, behind nine bytes of mapping header. */
async function openOggFlac(stream: AsyncGenerator<PageOfPackets>, limits: AudioLimits): Promise<OpenAudio> {
  async function* nativeBytes(): AsyncGenerator<Uint8Array> {
    let isFirst = true
    for await (const { packets } of stream) {
      for (const packet of packets) {
        yield isFirst ? packet.subarray(9) : packet
        isFirst = false
      }
    }
  }
  return openFlac(new ByteStream(nativeBytes(), Infinity), limits, 'ogg')
}

function startsWith(bytes: Uint8Array, text: string): boolean {
  if (bytes.length < text.length) return false
  for (let i = 0; i < text.length; i++) if (bytes[i] !== text.charCodeAt(i)) return false
  return true
}
