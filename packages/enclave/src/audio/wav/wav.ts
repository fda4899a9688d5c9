import type { ByteStream } from '../byte-stream.ts'
import { audioError, cutShort, malformed } from '../errors.ts'
import { type AudioLimits, checkShape } from '../limits.ts'
import type { OpenAudio } from '../open-audio.ts'
import { readPcmBlocks } from './pcm-blocks.ts'
import { layoutName, sampleReader } from './sample-reader.ts'
import { parseWavFormat, type WavFormat } from './wav-format.ts'

/** Chunks before the samples; broadcast files carry a dozen. */
const MAX_CHUNKS = 256

/** Bytes of a `fmt ` chunk we are willing to hold. */
const MAX_FORMAT_BYTES = 1024

/**
 * Data sizes from here up say "not known when the header was written": 0xFFFFFFFF (ffmpeg), 0x7FFFFFFF
 * and 0x7FFFF000 (sox), 0x80000000 (arecord). A true recording of 2 GiB has to use RF64.
 */
const UNKNOWN_SIZE_FROM = 0x7fff_f000

/**
 * Opens a WAV file (RIFF, RF64 or BW64; PCM 8-32 bit, float 32 and 64, A-law, mu-law). A file with fewer
 * samples than its header promises is refused: half a recording must not pass for the whole.
 *
 * @throws `AUDIO_MALFORMED`, `AUDIO_UNSUPPORTED`, `AUDIO_EMPTY`
 */
export async function openWav(input: ByteStream, limits: AudioLimits): Promise<OpenAudio> {
  const head = await input.take(12, 'the WAV header')
  const is64 = head[0] !== 0x52 || head[1] !== 0x49
  const riffSize = uint32(head, 4)
  let format: WavFormat | undefined
  let longSize: number | undefined
  for (let count = 0; count < MAX_CHUNKS; count++) {
    const header = await input.take(8, 'the WAV chunks, before any samples')
    const id = String.fromCharCode(...header.subarray(0, 4))
    const size = uint32(header, 4)
    if (id === 'data') {
      if (!format) throw malformed('the WAV samples come before their format')
      return describe(
        input,
        limits,
        format,
        dataSize(input.position, riffSize, is64 ? (longSize ?? size) : size),
      )
    }
    if (id === 'fmt ') {
      if (size > MAX_FORMAT_BYTES)
        throw malformed('the WAV format chunk is too long', { found: `${size} bytes` })
      format = parseWavFormat(await input.take(size, 'the WAV format chunk'))
      if (size % 2 === 1) await input.skip(1, 'the WAV format chunk')
    } else if (id === 'ds64' && is64 && size >= 24 && size <= MAX_FORMAT_BYTES) {
      const sizes = await input.take(size + (size % 2), 'the WAV size chunk')
      longSize = Number(new DataView(sizes.buffer, sizes.byteOffset).getBigUint64(8, true))
    } else {
      await input.skip(size + (size % 2), `a WAV chunk, before any samples`)
    }
  }
  throw malformed('the WAV file has too many chunks', { expected: `at most ${MAX_CHUNKS}` })
}

/** Bytes of samples, and whether that number is only an upper bound. */
function dataSize(
  position: number,
  riffSize: number,
  size: number,
): { bytes: number; lengthUnknown: boolean } {
  if (size === 0) {
    // An empty recording followed by other chunks, or a header that was never completed?
    if (riffSize + 8 > position && riffSize < UNKNOWN_SIZE_FROM) throw empty()
    return { bytes: Infinity, lengthUnknown: true }
  }
  return { bytes: size, lengthUnknown: size >= UNKNOWN_SIZE_FROM && size <= 0xffff_ffff }
}

function describe(
  input: ByteStream,
  limits: AudioLimits,
  { layout, channels, sampleRate }: WavFormat,
  { bytes, lengthUnknown }: { bytes: number; lengthUnknown: boolean },
): OpenAudio {
  checkShape(sampleRate, channels, limits)
  const read = sampleReader(layout)
  if (!read) throw malformed('the WAV sample size does not exist', { found: `${layout.bits} bits` })
  const bytesPerSample = layout.bits / 8
  const frameBytes = channels * bytesPerSample
  if (!lengthUnknown && bytes % frameBytes !== 0) throw cutShort('a sample frame')
  const usable = lengthUnknown && Number.isFinite(bytes) ? bytes - (bytes % frameBytes) : bytes
  return {
    format: 'wav',
    codec: layoutName(layout),
    sampleRate,
    channels,
    decodedRate: sampleRate,
    ...(lengthUnknown ? {} : { declaredFrames: bytes / frameBytes }),
    blocks: () => readPcmBlocks(input, { channels, bytesPerSample, read, bytes: usable, lengthUnknown }),
  }
}

function empty(): Error {
  return audioError('AUDIO_EMPTY', 'the WAV file has no samples')
}

function uint32(bytes: Uint8Array, offset: number): number {
  return new DataView(bytes.buffer, bytes.byteOffset).getUint32(offset, true)
}
