import { clientError } from '../errors.ts'
import { encodeMultipart, type MultipartBody, type MultipartPart } from '../multipart/index.ts'
import { streamOf } from '../streams.ts'
import type { LiveOptions } from './types.ts'
import { liveWavHeader } from './wav-stream.ts'

/** Rates a service reads. */
const MIN_SAMPLE_RATE = 1000
const MAX_SAMPLE_RATE = 192_000

/**
 * The form of a live transcription: its fields first, then the recording as it is made.
 *
 * @param over ends the recording, also while it waits for more of itself: `fetch` does not, when it is aborted
 * @throws `REQUEST_INVALID` a sample rate that is none
 */
export function liveForm(
  audio: AsyncIterable<Uint8Array> | ReadableStream<Uint8Array>,
  options: LiveOptions,
  over: AbortSignal,
): MultipartBody {
  const { sampleRate, model, language, prompt, voiceActivity } = options
  const isRate =
    Number.isSafeInteger(sampleRate) && sampleRate! >= MIN_SAMPLE_RATE && sampleRate! <= MAX_SAMPLE_RATE
  if (sampleRate !== undefined && !isRate)
    throw clientError('REQUEST_INVALID', 'no recording has this sample rate', {
      expected: `${MIN_SAMPLE_RATE} to ${MAX_SAMPLE_RATE}`,
    })
  const fields = { model, language, prompt, stream: 'true', chunking_strategy: strategyOf(voiceActivity) }
  const parts: MultipartPart[] = Object.entries(fields).flatMap(([name, value]) =>
    value === undefined ? [] : [{ name, value }],
  )
  return encodeMultipart([
    ...parts,
    {
      name: 'file',
      filename: sampleRate === undefined ? 'live' : 'live.wav',
      type: 'application/octet-stream',
      size: undefined,
      stream: () => streamOf(recording(audio, sampleRate, over)),
    },
  ])
}

function strategyOf(voiceActivity: LiveOptions['voiceActivity']): string {
  if (voiceActivity === undefined) return 'auto'
  const { threshold, prefixPaddingMs, silenceDurationMs } = voiceActivity
  return JSON.stringify({
    type: 'server_vad',
    threshold,
    prefix_padding_ms: prefixPaddingMs,
    silence_duration_ms: silenceDurationMs,
  })
}

async function* recording(
  audio: AsyncIterable<Uint8Array> | ReadableStream<Uint8Array>,
  sampleRate: number | undefined,
  over: AbortSignal,
): AsyncGenerator<Uint8Array> {
  const { next, stop } = audio instanceof ReadableStream ? fromStream(audio) : fromIterable(audio)
  over.addEventListener('abort', stop, { once: true })
  if (over.aborted) stop()
  try {
    if (sampleRate !== undefined) yield liveWavHeader(sampleRate)
    for (let part = await next(); !part.done; part = await next()) yield part.value!
  } finally {
    over.removeEventListener('abort', stop)
    stop()
  }
}

interface Source {
  next(): Promise<{ done?: boolean | undefined; value?: Uint8Array | undefined }>
  /** At any moment, any number of times. */
  stop(): void
}

function fromStream(audio: ReadableStream<Uint8Array>): Source {
  const reader = audio.getReader()
  return { next: () => reader.read(), stop: () => void reader.cancel().catch(() => {}) }
}

function fromIterable(audio: AsyncIterable<Uint8Array>): Source {
  const iterator = audio[Symbol.asyncIterator]()
  return { next: () => iterator.next(), stop: () => void iterator.return?.().catch(() => {}) }
}
