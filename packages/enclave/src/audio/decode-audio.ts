import { SottoError } from '@sotto/protocol/errors'
import { plainBytes } from './byte-stream.ts'
import { type AudioErrorCode, audioError } from './errors.ts'
import { type AudioLimits, resolveLimits } from './limits.ts'
import type { AudioInfo } from './open-audio.ts'
import { type DecoderThread, startDecoderThread } from './worker/decoder-host.ts'

/** Default `stallTimeoutMs`. One step is at most 64 KiB of input or a second of sound: milliseconds of work. */
const STALL_TIMEOUT_MS = 15_000

/** Bytes posted to the decoder thread at once. */
const PIECE_BYTES = 64 * 1024

/** Options of {@link decodeAudio}; the limits refuse, never truncate. */
export interface DecodeAudioOptions extends Partial<AudioLimits> {
  /** Silence of the decoder after which it is killed, in milliseconds. Waiting for the source does not count. */
  readonly stallTimeoutMs?: number
  /** Stops the decoder at once. A source that is being waited for must be stopped by its owner. */
  readonly signal?: AbortSignal
}

/** A recording being decoded. Iterate it once; blocks are the caller's to keep. */
export interface DecodedAudio extends AsyncIterable<Float32Array> {
  /** Settles when the iteration ends: what the file was, or why it was refused. Never unhandled. */
  readonly info: Promise<AudioInfo>
}

/**
 * Decodes a recording of any supported format to mono 16 kHz blocks, in a thread of its own with bounded
 * memory: a decoder that hangs or dies on hostile bytes takes nothing else with it, and the caller's event
 * loop stays free. Nothing starts before the first block is asked for. The client controls every byte.
 * Each call costs a thread (60-100 ms to start, some 20 MB): whoever serves many clients bounds their number.
 *
 * @throws every {@link AudioErrorCode}; what the source throws passes through
 * @example
 * const audio = decodeAudio(request.body)
 * for await (const block of audio) await recogniser.push(block)
 * const { durationSeconds } = await audio.info
 */
export function decodeAudio(
  source: AsyncIterable<Uint8Array>,
  options: DecodeAudioOptions = {},
): DecodedAudio {
  const limits = resolveLimits(options)
  const { promise, resolve, reject } = Promise.withResolvers<AudioInfo>()
  promise.catch(() => {})
  let isStarted = false

  async function* blocks(): AsyncGenerator<Float32Array> {
    if (isStarted) throw new TypeError('a recording can be iterated once')
    isStarted = true
    let outcome: unknown = audioError('AUDIO_CANCELLED', 'decoding was stopped before its end')
    const thread = startDecoderThread({ limits })
    const iterator = source[Symbol.asyncIterator]()
    try {
      resolve(yield* converse(thread, iterator, options))
    } catch (error) {
      outcome = error
      throw error
    } finally {
      reject(outcome)
      await thread.stop()
      await iterator.return?.()
    }
  }
  return { info: promise, [Symbol.asyncIterator]: blocks }
}

/** Answers the thread's questions until its last word. */
async function* converse(
  thread: DecoderThread,
  source: AsyncIterator<Uint8Array>,
  { stallTimeoutMs = STALL_TIMEOUT_MS, signal }: DecodeAudioOptions,
): AsyncGenerator<Float32Array, AudioInfo> {
  let chunk = new Uint8Array(0)
  for (;;) {
    const message = await thread.receive(stallTimeoutMs, signal)
    if (message.type === 'done') return message.info
    if (message.type === 'failed') {
      const { code, action, message: text, expected, found, hint } = message.error
      throw new SottoError<AudioErrorCode>(code, action, text, {
        ...(expected === undefined ? {} : { expected }),
        ...(found === undefined ? {} : { found }),
        ...(hint === undefined ? {} : { hint }),
      })
    }
    if (message.type === 'block') {
      yield message.samples
      thread.post({ type: 'pull' })
      continue
    }
    let isEnded = false
    while (chunk.length === 0 && !isEnded) {
      const { done, value } = await source.next()
      if (done) isEnded = true
      else chunk = plainBytes(value)
    }
    // A copy: the message must not carry the whole buffer that a chunk may be a view of.
    const bytes = chunk.slice(0, PIECE_BYTES)
    chunk = chunk.subarray(bytes.length)
    thread.post(isEnded ? { type: 'end' } : { type: 'bytes', bytes })
  }
}
