import { clientError } from '../errors.ts'
import { encodeMultipart, type MultipartBody, type MultipartPart } from '../multipart/index.ts'
import { streamOf } from '../streams.ts'
import type { Recording } from './recording.ts'
import type { LiveOptions } from './types.ts'

/** Rates a service reads. */
const MIN_SAMPLE_RATE = 1000
const MAX_SAMPLE_RATE = 192_000

/** @throws `REQUEST_INVALID` a sample rate, or a length of exchanges, that is none */
export function requireRate({ sampleRate, exchangeSeconds = 1 }: LiveOptions): void {
  const isRate =
    Number.isSafeInteger(sampleRate) && sampleRate! >= MIN_SAMPLE_RATE && sampleRate! <= MAX_SAMPLE_RATE
  if (sampleRate !== undefined && !isRate)
    throw clientError('REQUEST_INVALID', 'no recording has this sample rate', {
      expected: `${MIN_SAMPLE_RATE} to ${MAX_SAMPLE_RATE}`,
    })
  if (!(exchangeSeconds > 0))
    throw clientError('REQUEST_INVALID', 'an exchange lasts for some time', { expected: 'seconds above 0' })
}

/** The form of the next part of a recording: its fields first, then the recording as it is made. It can be sent once. */
export function formOfPart(recording: Recording, options: LiveOptions): MultipartBody {
  const { sampleRate, model, language, prompt, voiceActivity } = options
  // Now, not once the form has come to its file: a cut in between is of this part.
  const part = recording.part()
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
      stream: () => streamOf(part),
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
