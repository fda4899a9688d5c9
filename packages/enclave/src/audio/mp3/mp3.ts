import type { MPEGDecoder } from 'mpg123-decoder'
import type { ByteStream } from '../byte-stream.ts'
import { cutShort, malformed } from '../errors.ts'
import { type AudioLimits, checkShape } from '../limits.ts'
import { mixDown } from '../mix-down.ts'
import type { OpenAudio } from '../open-audio.ts'
import { quietly } from '../quiet.ts'
import { announcedFrames, type MpegFrameHeader } from './frame-header.ts'
import { firstMpegHeader, readMpegFrames } from './frames.ts'

/** Frames given to the decoder in one call: at most 300 kB of sound come back. */
const FRAMES_PER_CALL = 32

/**
 * Opens an MPEG audio stream (layers I to III), past any ID3 tag. Encoder delay and padding are removed
 * when a LAME header states them.
 *
 * @throws `AUDIO_MALFORMED`, `AUDIO_UNSUPPORTED`
 */
export async function openMp3(input: ByteStream, limits: AudioLimits): Promise<OpenAudio> {
  const header = await firstMpegHeader(input)
  checkShape(header.sampleRate, header.channels, limits)
  return {
    format: 'mp3',
    codec: `mp${header.layer}`,
    sampleRate: header.sampleRate,
    channels: header.channels,
    decodedRate: header.sampleRate,
    blocks: () => decodeMp3(input, header),
  }
}

async function* decodeMp3(input: ByteStream, first: MpegFrameHeader): AsyncGenerator<Float32Array> {
  const { MPEGDecoder } = await import('mpg123-decoder')
  const decoder = new MPEGDecoder()
  await decoder.ready
  try {
    let announced: number | undefined
    let frames = 0
    let batch: Uint8Array[] = []
    for await (const frame of readMpegFrames(input, first)) {
      const header = frames === 0 ? announcedFrames(frame, first) : undefined
      if (header) announced = header.frames
      frames++
      batch.push(frame.slice())
      if (batch.length < FRAMES_PER_CALL) continue
      yield decodeBatch(decoder, batch, first)
      batch = []
    }
    if (batch.length > 0) yield decodeBatch(decoder, batch, first)
    // Encoders disagree whether the announcing frame counts itself, so one frame of slack.
    if (announced !== undefined && frames < announced) throw cutShort('the MPEG audio frames')
  } finally {
    decoder.free()
  }
}

function decodeBatch(
  decoder: MPEGDecoder,
  frames: readonly Uint8Array[],
  first: MpegFrameHeader,
): Float32Array {
  const pieces: Float32Array[] = []
  let length = 0
  for (const frame of frames) {
    // The wrapper logs an error and asks again without end; its own message is the way out of that loop.
    const { channelData, sampleRate, samplesDecoded } = attempt(() =>
      quietly(
        () => decoder.decode(frame),
        (text) => text.startsWith('mpg123-decoder:'),
      ),
    )
    if (samplesDecoded === 0) continue
    if (sampleRate !== first.sampleRate) throw malformed('the MPEG audio stream changes its sample rate')
    const mono = mixDown(channelData)
    pieces.push(mono)
    length += mono.length
  }
  const block = new Float32Array(length)
  let at = 0
  for (const piece of pieces) {
    block.set(piece, at)
    at += piece.length
  }
  return block
}

function attempt<T>(work: () => T): T {
  try {
    return work()
  } catch (cause) {
    throw malformed('the MPEG audio decoder refuses a frame', { cause })
  }
}
