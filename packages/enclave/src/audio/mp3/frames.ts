import type { ByteStream } from '../byte-stream.ts'
import { cutShort, malformed } from '../errors.ts'
import {
  continuesStream,
  MAX_MPEG_FRAME_BYTES,
  type MpegFrameHeader,
  parseMpegHeader,
} from './frame-header.ts'

/** Bytes that are no frame which we pass over in one place: damaged frames, padding, unknown tags. */
const MAX_JUNK_BYTES = 64 * 1024

/** Skips ID3v2 tags at the current position (id3v2.4.0-structure, Section 3.1). @throws `AUDIO_MALFORMED` */
export async function skipId3v2(input: ByteStream): Promise<void> {
  while ((await input.ensure(10)) && startsWith(input.window, 'ID3')) {
    const [, , , , , flags, a, b, c, d] = input.window as unknown as number[]
    if ((a! | b! | c! | d!) & 0x80) throw malformed('the ID3 tag has a badly coded size')
    const size = (a! << 21) | (b! << 14) | (c! << 7) | d!
    await input.skip(10 + size + (flags! & 0x10 ? 10 : 0), 'the ID3 tag')
  }
}

/** The header of the first frame, which must be followed by another that fits, or by the end. */
export async function firstMpegHeader(input: ByteStream): Promise<MpegFrameHeader> {
  await input.ensure(MAX_MPEG_FRAME_BYTES + 4)
  for (let offset = 0; offset + 4 <= Math.min(input.window.length, MAX_MPEG_FRAME_BYTES); offset++) {
    const header = parseMpegHeader(input.window, offset)
    if (!header) continue
    const next = offset + header.frameBytes
    await input.ensure(next + 4)
    const after = parseMpegHeader(input.window, next)
    const isLast = next === input.window.length || isTrailer(input.window.subarray(next))
    if (!isLast && !(after && continuesStream(header, after))) continue
    input.consume(offset)
    return header
  }
  throw malformed('no two MPEG audio frames follow each other')
}

/**
 * The frames of an MPEG audio stream, each as a view that lives until the next one is asked for.
 * Framed here rather than by the decoder: on bytes that are no frame it reports the same error for ever.
 *
 * @throws `AUDIO_MALFORMED`: half a frame at the end, or too much that is no frame
 */
export async function* readMpegFrames(input: ByteStream, first: MpegFrameHeader): AsyncGenerator<Uint8Array> {
  let junk = 0
  for (;;) {
    if (!(await input.ensure(4))) {
      if (input.window[0] === 0xff) throw cutShort('an MPEG audio frame')
      return
    }
    const { window } = input
    if (isTrailer(window)) return
    const header = parseMpegHeader(window, 0)
    if (header && continuesStream(first, header) && (junk === 0 || (await isFollowed(input, header)))) {
      if (!(await input.ensure(header.frameBytes))) throw cutShort('an MPEG audio frame')
      const frame = input.window.subarray(0, header.frameBytes)
      input.consume(header.frameBytes)
      junk = 0
      yield frame
    } else if (startsWith(window, 'ID3')) {
      await skipId3v2(input)
    } else {
      input.consume(1)
      if (++junk > MAX_JUNK_BYTES) throw malformed('too many bytes between MPEG audio frames')
    }
  }
}

/** After junk a header alone proves nothing: the next one must be where this one says. */
async function isFollowed(input: ByteStream, header: MpegFrameHeader): Promise<boolean> {
  await input.ensure(header.frameBytes + 4)
  const rest = input.window.subarray(header.frameBytes)
  const next = parseMpegHeader(rest, 0)
  return rest.length === 0 || isTrailer(rest) || (next !== undefined && continuesStream(header, next))
}

/** ID3v1, APEv2 and Lyrics3 tags end a file. */
function isTrailer(bytes: Uint8Array): boolean {
  return startsWith(bytes, 'TAG') || startsWith(bytes, 'APETAGEX') || startsWith(bytes, 'LYRICSBEGIN')
}

function startsWith(bytes: Uint8Array, text: string): boolean {
  if (bytes.length < text.length) return false
  for (let i = 0; i < text.length; i++) if (bytes[i] !== text.charCodeAt(i)) return false
  return true
}
