import type { ByteStream } from '../byte-stream.ts'
import { malformed, unsupported } from '../errors.ts'
import { type AudioLimits, checkShape } from '../limits.ts'
import type { OpenAudio } from '../open-audio.ts'
import { readPcmBlocks } from './pcm-blocks.ts'
import { layoutName, type SampleLayout, sampleReader } from './sample-reader.ts'

/** Chunks before the samples. */
const MAX_CHUNKS = 256

/** Bytes of a `COMM` chunk: 22 and a compression name of at most 255 letters. */
const MAX_COMMON_BYTES = 1024

interface Common {
  readonly layout: SampleLayout
  readonly channels: number
  readonly frames: number
  readonly sampleRate: number
}

/**
 * Opens an AIFF or AIFC file with uncompressed, float, A-law or mu-law samples (Apple, AIFF 1.3 and AIFC).
 *
 * @throws `AUDIO_MALFORMED`, `AUDIO_UNSUPPORTED`
 */
export async function openAiff(input: ByteStream, limits: AudioLimits): Promise<OpenAudio> {
  await input.take(12, 'the AIFF header')
  let common: Common | undefined
  for (let count = 0; count < MAX_CHUNKS; count++) {
    const header = await input.take(8, 'the AIFF chunks, before any samples')
    const id = String.fromCharCode(...header.subarray(0, 4))
    const size = viewOf(header).getUint32(4)
    if (id === 'COMM') {
      if (size > MAX_COMMON_BYTES)
        throw malformed('the AIFF common chunk is too long', { found: `${size} bytes` })
      common = parseCommon(await input.take(size, 'the AIFF common chunk'))
      if (size % 2 === 1) await input.skip(1, 'the AIFF common chunk')
    } else if (id === 'SSND') {
      if (!common) throw malformed('the AIFF samples come before their format')
      const offset = viewOf(await input.take(8, 'the AIFF sound chunk')).getUint32(0)
      if (offset > size - 8) throw malformed('the AIFF samples begin outside their chunk')
      await input.skip(offset, 'the AIFF sound chunk')
      return describe(input, limits, common, size - 8 - offset)
    } else {
      await input.skip(size + (size % 2), 'an AIFF chunk, before any samples')
    }
  }
  throw malformed('the AIFF file has too many chunks', { expected: `at most ${MAX_CHUNKS}` })
}

function describe(input: ByteStream, limits: AudioLimits, common: Common, available: number): OpenAudio {
  const { layout, channels, frames, sampleRate } = common
  checkShape(sampleRate, channels, limits)
  const read = sampleReader(layout)
  if (!read) throw unsupported(`AIFF with samples of ${layout.bits} bits`)
  const bytesPerSample = layout.bits / 8
  const bytes = frames * channels * bytesPerSample
  if (bytes > available) throw malformed('the AIFF sound chunk is shorter than its number of frames')
  return {
    format: 'aiff',
    codec: layoutName(layout),
    sampleRate,
    channels,
    decodedRate: sampleRate,
    declaredFrames: frames,
    blocks: () => readPcmBlocks(input, { channels, bytesPerSample, read, bytes, lengthUnknown: false }),
  }
}

function parseCommon(chunk: Uint8Array): Common {
  if (chunk.length < 18)
    throw malformed('the AIFF common chunk is too short', { found: `${chunk.length} bytes` })
  const view = viewOf(chunk)
  const bits = Math.ceil(view.getUint16(6) / 8) * 8
  // AIFF has no compression type; AIFC has one, and NONE says the same.
  const type = chunk.length >= 22 ? String.fromCharCode(...chunk.subarray(18, 22)) : 'NONE'
  return {
    layout: layoutOf(type, bits),
    channels: view.getUint16(0),
    frames: view.getUint32(2),
    sampleRate: extended(view, 8),
  }
}

function layoutOf(type: string, bits: number): SampleLayout {
  switch (type) {
    case 'NONE':
    case 'twos':
      return { kind: 'pcm', bits, littleEndian: false }
    case 'sowt':
      return { kind: 'pcm', bits, littleEndian: true }
    case 'fl32':
    case 'FL32':
      return { kind: 'float', bits: 32, littleEndian: false }
    case 'fl64':
    case 'FL64':
      return { kind: 'float', bits: 64, littleEndian: false }
    case 'alaw':
    case 'ALAW':
      return { kind: 'alaw', bits: 8, littleEndian: false }
    case 'ulaw':
    case 'ULAW':
      return { kind: 'mulaw', bits: 8, littleEndian: false }
    default:
      throw unsupported('compressed AIFF')
  }
}

/** An 80-bit IEEE 754 extended number, rounded: the only place where files still have one. */
function extended(view: DataView, offset: number): number {
  const exponent = view.getUint16(offset) - 16_383
  return Math.round(view.getUint32(offset + 2) * 2 ** (exponent - 31))
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
