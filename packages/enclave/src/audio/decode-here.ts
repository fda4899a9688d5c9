import { ByteStream } from './byte-stream.ts'
import { audioError, malformed } from './errors.ts'
import { openFlac } from './flac/flac.ts'
import { type AudioLimits, OUTPUT_SAMPLE_RATE, resolveLimits } from './limits.ts'
import { skipId3v2 } from './mp3/frames.ts'
import { openMp3 } from './mp3/mp3.ts'
import { openOgg } from './ogg/ogg.ts'
import type { AudioInfo, OpenAudio } from './open-audio.ts'
import { createResampler } from './resample/resampler.ts'
import { SNIFF_BYTES, sniffFormat } from './sniff.ts'
import { openAiff } from './wav/aiff.ts'
import { openWav } from './wav/wav.ts'
import { openWebm } from './webm/webm.ts'

/** Samples of every block but the last: about a second. */
export const BLOCK_SAMPLES = 16_384

/**
 * Decodes a recording in the calling thread, to mono blocks at 16 kHz; the generator returns what it learned
 * of the file. For processes that may be killed when a decoder hangs; servers use `decodeAudio`.
 *
 * @param blockSamples of every block but the last
 * @throws every code of {@link AudioErrorCode} but `AUDIO_TIMEOUT`, `AUDIO_CANCELLED` and `AUDIO_FAILED`;
 * what the source throws passes through
 */
export async function* decodeAudioHere(
  source: AsyncIterable<Uint8Array>,
  limits: Partial<AudioLimits> = {},
  blockSamples: number = BLOCK_SAMPLES,
): AsyncGenerator<Float32Array, AudioInfo> {
  const resolved = resolveLimits(limits)
  const input = new ByteStream(source, resolved.maxBytes)
  try {
    const audio = await openAudio(input, resolved)
    return yield* toOutputBlocks(audio, resolved, blockSamples)
  } finally {
    await input.close()
  }
}

async function openAudio(input: ByteStream, limits: AudioLimits): Promise<OpenAudio> {
  await input.ensure(SNIFF_BYTES)
  let format = sniffFormat(input.window.subarray(0, SNIFF_BYTES))
  if (format === 'id3') {
    await skipId3v2(input)
    await input.ensure(SNIFF_BYTES)
    format = sniffFormat(input.window.subarray(0, SNIFF_BYTES))
  }
  switch (format) {
    case 'wav':
      return openWav(input, limits)
    case 'aiff':
      return openAiff(input, limits)
    case 'flac':
      return openFlac(input, limits)
    case 'ogg':
      return openOgg(input, limits)
    case 'webm':
      return openWebm(input, limits)
    default:
      return openMp3(input, limits)
  }
}

async function* toOutputBlocks(
  audio: OpenAudio,
  limits: AudioLimits,
  blockSamples: number,
): AsyncGenerator<Float32Array, AudioInfo> {
  const maxFrames = limits.maxSeconds * audio.decodedRate
  if ((audio.declaredFrames ?? 0) > maxFrames) throw tooLong(limits)
  const resampler = createResampler(audio.decodedRate, OUTPUT_SAMPLE_RATE)
  const blocks = new Reblocker(blockSamples)
  let frames = 0
  for await (const block of audio.blocks()) {
    frames += block.length
    if (frames > maxFrames) throw tooLong(limits)
    if (!isFinite(block)) throw malformed('a sample is NaN or infinite', { expected: 'finite samples' })
    yield* blocks.push(resampler.push(block))
  }
  if (frames === 0) throw audioError('AUDIO_EMPTY', 'the audio file has no samples')
  yield* blocks.push(resampler.flush())
  yield* blocks.flush()
  const { format, codec, sampleRate, channels, decodedRate } = audio
  return { format, codec, sampleRate, channels, durationSeconds: frames / decodedRate, samples: blocks.total }
}

/** Cuts a stream of samples into blocks of one size. Blocks are never reused: the caller may keep or transfer them. */
class Reblocker {
  total = 0
  readonly #block: Float32Array
  #filled = 0

  constructor(blockSamples: number) {
    this.#block = new Float32Array(blockSamples)
  }

  *push(samples: Float32Array): Generator<Float32Array> {
    for (let at = 0; at < samples.length;) {
      const part = samples.subarray(at, at + this.#block.length - this.#filled)
      this.#block.set(part, this.#filled)
      this.#filled += part.length
      at += part.length
      if (this.#filled === this.#block.length) yield* this.flush()
    }
  }

  *flush(): Generator<Float32Array> {
    if (this.#filled === 0) return
    const full = this.#block.slice(0, this.#filled)
    this.total += full.length
    this.#filled = 0
    yield full
  }
}

/** One NaN out of a decoder would spread through every filter behind it. */
function isFinite(block: Float32Array): boolean {
  let sum = 0
  for (let i = 0; i < block.length; i++) sum += block[i]! * 0
  return sum === 0
}

function tooLong({ maxSeconds }: AudioLimits): Error {
  return audioError('AUDIO_TOO_LONG', 'the recording is too long', {
    expected: `at most ${maxSeconds} seconds`,
  })
}
