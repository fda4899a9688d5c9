import type { AzureResponseSealer } from '@sotto/protocol/azure-dialect'
import { gatewayError, padEvents } from '../gateway/index.ts'

/** One answer on its way out. */
export interface AzureAnswer {
  response: Response
  /** Flushes of event streams: see `PadEventsOptions`. */
  events: { bucketBytes: number; windowMs: number }
  /** Aborted when nobody waits for the answer any more. */
  over: AbortController
}

/**
 * The body of an answer, sealed as it is written and read at the pace of whoever receives it. Any failure errors
 * the stream *without* a final chunk: a part must never end like a whole. Event streams leave at once, padded
 * as always; of others the last piece waits for the end, as the final chunk.
 */
export function sealBody(
  answer: AzureAnswer,
  sealer: AzureResponseSealer,
  { beforeEnd, onOver }: { beforeEnd: () => Promise<void>; onOver: () => void },
): ReadableStream<Uint8Array<ArrayBuffer>> {
  const isEvents = /^text\/event-stream(?:;|$)/i.test(answer.response.headers.get('content-type') ?? '')
  const pieces = piecesOf(answer, isEvents)
  let waiting: Uint8Array | undefined
  const fail = (): void => {
    answer.over.abort(gatewayError('GATEWAY_CUT', 'the answer is not wanted any more'))
    onOver()
  }
  async function next(): Promise<{ parts: Uint8Array[]; isEnd: boolean }> {
    for (;;) {
      const { done, value } = await pieces.next()
      if (done === true) {
        await beforeEnd()
        return { parts: sealer.end(waiting), isEnd: true }
      }
      if (value.length === 0) continue
      const ready = isEvents ? value : waiting
      if (!isEvents) waiting = value
      if (ready !== undefined) return { parts: sealer.seal(ready), isEnd: false }
    }
  }
  return new ReadableStream<Uint8Array<ArrayBuffer>>(
    {
      async pull(controller) {
        try {
          const { parts, isEnd } = await next()
          for (const part of parts) controller.enqueue(part as Uint8Array<ArrayBuffer>)
          if (!isEnd) return
          controller.close()
          onOver()
        } catch (error) {
          fail()
          throw gatewayError('GATEWAY_CUT', 'the answer was cut', { cause: error })
        }
      },
      async cancel() {
        fail()
        await pieces.return()
      },
    },
    { highWaterMark: 0 },
  )
}

function piecesOf(
  { response, events, over }: AzureAnswer,
  isEvents: boolean,
): AsyncGenerator<Uint8Array, void> {
  const body = response.body ?? new Blob().stream()
  if (!isEvents) return readAll(body, over.signal)
  return padEvents(body, { ...events, monotonicNow: () => performance.now(), signal: over.signal })
}

async function* readAll(
  body: ReadableStream<Uint8Array>,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array, void> {
  const reader = body.getReader()
  const cancel = (): void => void reader.cancel(signal.reason).catch(() => {})
  signal.addEventListener('abort', cancel, { once: true })
  if (signal.aborted) cancel()
  try {
    for (let read = await reader.read(); !read.done; read = await reader.read()) yield read.value
    signal.throwIfAborted()
  } finally {
    signal.removeEventListener('abort', cancel)
    await reader.cancel().catch(() => {})
  }
}
