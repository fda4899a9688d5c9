import { type ByteStream, MAX_WINDOW_BYTES } from '../byte-stream.ts'
import { cutShort, malformed } from '../errors.ts'
import { type AudioLimits, checkShape } from '../limits.ts'
import type { AudioFormat, OpenAudio } from '../open-audio.ts'
import { NeedMoreBytes } from './bit-reader.ts'
import { decodeFlacFrame, type FlacFrame } from './frame.ts'
import { type FlacStreamInfo, readFlacMetadata } from './stream-info.ts'

/** First guess at the size of a frame when the header does not say. */
const FIRST_WINDOW_BYTES = 16 * 1024

/** Twice what a block of 65535 verbatim samples in 8 channels of 33 bits needs. */
const MAX_FRAME_BYTES = 4 * 1024 * 1024

/**
 * Opens a FLAC stream (RFC 9639), native or unwrapped from Ogg (`format` says which). Decoded here, one
 * frame at a time: a frame of twenty bytes can claim half a million samples, and a decoder that takes
 * bytes and returns all their sound has no bound on memory. Every frame is checked against its CRC-16,
 * its number, and the announced total.
 *
 * @throws `AUDIO_MALFORMED`, `AUDIO_UNSUPPORTED`
 */
export async function openFlac(
  input: ByteStream,
  limits: AudioLimits,
  format: AudioFormat = 'flac',
): Promise<OpenAudio> {
  const info = await readFlacMetadata(input)
  checkShape(info.sampleRate, info.channels, limits)
  if (info.sampleBits < 4)
    throw malformed('the FLAC sample size is reserved', { found: `${info.sampleBits} bits` })
  return {
    format,
    codec: 'flac',
    sampleRate: info.sampleRate,
    channels: info.channels,
    decodedRate: info.sampleRate,
    ...(info.totalSamples > 0 ? { declaredFrames: info.totalSamples } : {}),
    blocks: () => decodeFrames(input, info),
  }
}

async function* decodeFrames(input: ByteStream, info: FlacStreamInfo): AsyncGenerator<Float32Array> {
  const scratch = Array.from({ length: info.channels }, () => new Float64Array(info.maxBlockSize))
  let guess = info.maxFrameBytes > 0 ? Math.min(info.maxFrameBytes, MAX_FRAME_BYTES) : FIRST_WINDOW_BYTES
  let samples = 0
  let frames = 0
  while (info.totalSamples === 0 || samples < info.totalSamples) {
    await input.ensure(guess)
    if (input.window.length === 0) break
    const frame = await nextFrame(input, info, scratch)
    if (frame.number !== (frame.isVariable ? samples : frames)) throw malformed('FLAC frames are missing')
    guess = Math.max(guess, Math.min(frame.bytes, MAX_FRAME_BYTES))
    samples += frame.mono.length
    frames++
    yield frame.mono
  }
  if (samples < info.totalSamples) throw cutShort('the FLAC frames')
  if (info.totalSamples > 0 && samples > info.totalSamples)
    throw malformed('the FLAC file has too many samples')
}

async function nextFrame(
  input: ByteStream,
  info: FlacStreamInfo,
  scratch: readonly Float64Array[],
): Promise<FlacFrame> {
  for (;;) {
    const { window } = input
    try {
      const frame = decodeFlacFrame(window, info, scratch)
      input.consume(frame.bytes)
      return frame
    } catch (error) {
      if (!(error instanceof NeedMoreBytes)) throw error
    }
    // Doubling keeps repeated attempts at one frame linear in its size.
    if (window.length > MAX_FRAME_BYTES) throw malformed('a FLAC frame is too large')
    await input.ensure(Math.min(2 * window.length, MAX_WINDOW_BYTES))
    if (input.window.length === window.length) throw cutShort('a FLAC frame')
  }
}
