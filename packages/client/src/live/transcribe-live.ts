import type { SavedReceipt } from '@sotto/protocol/receipts'
import { clientError } from '../errors.ts'
import { readServerSentEvents } from '../sse/index.ts'
import { readBounded } from '../streams.ts'
import type { Sotto } from '../types.ts'
import { liveForm } from './live-form.ts'
import type { LiveEvent, LiveOptions, LiveTranscription } from './types.ts'

/** An error in the envelope of the service's API. */
interface ServiceError {
  error?: { code?: unknown; message?: unknown }
}

/** Largest answer that is no transcript and read all the same. */
const MAX_ERROR_BYTES = 65_536

/** See `Sotto.transcribeLive`. */
export function transcribeLive(
  sotto: Pick<Sotto, 'baseURL' | 'fetchLive' | 'receiptOf'>,
  audio: AsyncIterable<Uint8Array> | ReadableStream<Uint8Array>,
  options: LiveOptions = {},
): LiveTranscription {
  let response: Response | undefined
  let isStarted = false

  async function* events(): AsyncGenerator<LiveEvent, void> {
    if (isStarted) throw new TypeError('a live transcription can be iterated once')
    isStarted = true
    const left = new AbortController()
    const signal = options.signal ? AbortSignal.any([options.signal, left.signal]) : left.signal
    const form = liveForm(audio, options, signal)
    const task = options.translate ? 'translations' : 'transcriptions'
    try {
      response = await sotto.fetchLive(`${sotto.baseURL}/audio/${task}`, {
        method: 'POST',
        headers: { 'content-type': form.contentType },
        body: form.stream() as unknown as BodyInit,
        signal,
      })
      if (!response.ok) throw await refusalOf(response)
      for await (const data of readServerSentEvents(response.body!)) {
        const event = liveEvent(parse(data))
        if (event) yield event
      }
    } finally {
      // Also of a recording whose end nobody waits for: its source must not be asked for more.
      left.abort()
    }
  }
  return {
    [Symbol.asyncIterator]: events,
    async receipt(): Promise<SavedReceipt> {
      if (response === undefined) throw clientError('RECEIPT_MISSING', 'there is no answer yet')
      return sotto.receiptOf(response)
    },
  }
}

function liveEvent(event: Record<string, unknown>): LiveEvent | undefined {
  const { type, delta, text, start, end } = event
  if (event['error'] !== undefined) throw refused(event)
  if (type === 'transcript.text.delta' && typeof delta === 'string') return { type: 'delta', text: delta }
  if (type === 'transcript.text.done' && typeof text === 'string') return { type: 'done', text }
  if (type === 'transcript.text.segment' && typeof text === 'string')
    return { type: 'segment', start: Number(start), end: Number(end), text }
  return undefined
}

function parse(data: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(data)
    if (typeof value === 'object' && value !== null) return value as Record<string, unknown>
  } catch {
    // Without the cause: the parser's message quotes the answer.
  }
  throw clientError('RESPONSE_INVALID', 'the service sent an event that is no JSON object')
}

async function refusalOf(response: Response): Promise<Error> {
  const bytes = await readBounded(response.body, MAX_ERROR_BYTES)
  try {
    return refused(parse(new TextDecoder().decode(bytes ?? new Uint8Array(0))))
  } catch {
    return clientError('LIVE_REFUSED', 'the service refused the recording', {
      found: `status ${response.status}`,
    })
  }
}

function refused({ error }: ServiceError): Error {
  const { code, message } = error ?? {}
  return clientError(
    'LIVE_REFUSED',
    typeof message === 'string' ? message : 'the service refused the recording',
    {
      ...(typeof code === 'string' && { found: code }),
    },
  )
}
