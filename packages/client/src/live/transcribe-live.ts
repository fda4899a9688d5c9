import type { SavedReceipt } from '@sotto/protocol/receipts'
import { clientError } from '../errors.ts'
import { parseEvent, readServerSentEvents } from '../sse/index.ts'
import { readBounded } from '../streams.ts'
import type { Sotto } from '../types.ts'
import { joinTexts } from './join-texts.ts'
import { formOfPart, requireRate } from './live-form.ts'
import { openRecording, type Recording } from './recording.ts'
import type { LiveEvent, LiveOptions, LiveTranscription } from './types.ts'

/** An error in the envelope of the service's API. */
interface ServiceError {
  error?: { code?: unknown; message?: unknown }
}

/** Largest answer that is no transcript and read all the same. */
const MAX_ERROR_BYTES = 65_536

/** Seconds after which another exchange takes over where somebody pauses: relay and gateway end each after 30 minutes. */
const EXCHANGE_SECONDS = 1500
/** How much later it does where nobody pauses, as a part of that. */
const GRACE = 0.1

/** See `Sotto.transcribeLive`. */
export function transcribeLive(
  sotto: Pick<Sotto, 'baseURL' | 'fetchLive' | 'receiptOf'>,
  audio: AsyncIterable<Uint8Array> | ReadableStream<Uint8Array>,
  options: LiveOptions = {},
): LiveTranscription {
  const responses: Response[] = []
  let isStarted = false

  async function* events(): AsyncGenerator<LiveEvent, void> {
    if (isStarted) throw new TypeError('a live transcription can be iterated once')
    isStarted = true
    const left = new AbortController()
    const signal = options.signal ? AbortSignal.any([options.signal, left.signal]) : left.signal
    try {
      requireRate(options)
      yield* eventsOf(openRecording(audio, options.sampleRate, signal), signal)
    } finally {
      // Also of a recording whose end nobody waits for: its source must not be asked for more.
      left.abort()
    }
  }

  /** Sends a part of the recording; its answer comes meanwhile. */
  async function send(recording: Recording, signal: AbortSignal): Promise<Response> {
    const form = formOfPart(recording, options)
    const task = options.translate ? 'translations' : 'transcriptions'
    return sotto.fetchLive(`${sotto.baseURL}/audio/${task}`, {
      method: 'POST',
      headers: { 'content-type': form.contentType },
      body: form.stream() as unknown as BodyInit,
      signal,
    })
  }

  async function* eventsOf(recording: Recording, signal: AbortSignal): AsyncGenerator<LiveEvent, void> {
    const { sampleRate, exchangeSeconds = EXCHANGE_SECONDS } = options
    // A file has one header: only raw samples go on anywhere.
    const lasts = sampleRate === undefined ? Infinity : exchangeSeconds * 1000
    const texts = joinTexts()
    /** The part that follows, once there is to be one. */
    const next: Promise<Part | undefined>[] = []

    function begin(): Part {
      const part = { offset: recording.seconds, since: performance.now(), answer: send(recording, signal) }
      // Whoever reads it is told.
      part.answer.catch(() => undefined)
      return part
    }
    function goOn(): void {
      if (next.length > 0) return
      recording.cut()
      const following = recording.hasMore().then((isMore) => (isMore ? begin() : undefined))
      following.catch(() => undefined)
      next.push(following)
    }
    for (let part: Part | undefined = begin(); part !== undefined; part = await next.shift()) {
      const { since, offset, answer } = part
      texts.begin(offset)
      // A timer holds 24 days; so long lasts no exchange.
      const lateMs = since + lasts * (1 + GRACE) - performance.now()
      const late = lateMs < MAX_TIMER_MS ? setTimeout(goOn, Math.max(0, lateMs)) : undefined
      try {
        const response = await answer
        responses.push(response)
        if (!response.ok) throw await refusalOf(response)
        for await (const data of readServerSentEvents(response.body!)) {
          const event = liveEvent(parseEvent(data))
          if (event?.type === 'segment' && performance.now() - since >= lasts) goOn()
          const told = event && texts.take(event)
          if (told !== undefined) yield told
        }
        if (!texts.isDone)
          throw clientError('RESPONSE_INVALID', 'the service ended a transcription without its text')
      } finally {
        clearTimeout(late)
      }
    }
    yield { type: 'done', text: texts.all }
  }
  return {
    [Symbol.asyncIterator]: events,
    async receipt(): Promise<SavedReceipt> {
      const last = responses.at(-1)
      if (last === undefined) throw clientError('RECEIPT_MISSING', 'there is no answer yet')
      return sotto.receiptOf(last)
    },
    receipts: () => Promise.all(responses.map((response) => sotto.receiptOf(response))),
  }
}

/** One exchange of several. */
interface Part {
  /** Where it begins in the recording, seconds. */
  offset: number
  since: number
  answer: Promise<Response>
}

const MAX_TIMER_MS = 2 ** 31 - 1

function liveEvent(event: Record<string, unknown>): LiveEvent | undefined {
  const { type, delta, text, start, end } = event
  if (event['error'] !== undefined) throw refused(event)
  if (type === 'transcript.text.delta' && typeof delta === 'string') return { type: 'delta', text: delta }
  if (type === 'transcript.text.done' && typeof text === 'string') return { type: 'done', text }
  if (type === 'transcript.text.segment' && typeof text === 'string')
    return { type: 'segment', start: Number(start), end: Number(end), text }
  return undefined
}

async function refusalOf(response: Response): Promise<Error> {
  const bytes = await readBounded(response.body, MAX_ERROR_BYTES)
  try {
    return refused(parseEvent(new TextDecoder().decode(bytes ?? new Uint8Array(0))))
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
