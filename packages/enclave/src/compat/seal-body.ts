import type { AzureResponseSealer } from '@sotto/protocol/azure-dialect'
import { padEvents, readAll, type SealedParts, sealedStream } from '../gateway/index.ts'

/** One answer on its way out. */
export interface AzureAnswer {
  response: Response
  /** Flushes of event streams: see `PadEventsOptions`. */
  events: { bucketBytes: number; windowMs: number }
  /** Aborted when nobody waits for the answer any more. */
  over: AbortController
}

/**
 * The body of an answer, sealed as it is written: see `sealedStream`. Event streams leave at once, padded as always;
 * of others the last piece waits for the end, as the final chunk.
 */
export function sealBody(
  answer: AzureAnswer,
  sealer: AzureResponseSealer,
  { beforeEnd, onOver }: { beforeEnd: () => Promise<void>; onOver: () => void },
): ReadableStream<Uint8Array<ArrayBuffer>> {
  const isEvents = /^text\/event-stream(?:;|$)/i.test(answer.response.headers.get('content-type') ?? '')
  const pieces = piecesOf(answer, isEvents)
  let waiting: Uint8Array | undefined
  async function next(): Promise<SealedParts> {
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
  return sealedStream(next, { over: answer.over, onOver, leave: () => pieces.return() })
}

function piecesOf(
  { response, events, over }: AzureAnswer,
  isEvents: boolean,
): AsyncGenerator<Uint8Array, void> {
  const body = response.body ?? new Blob().stream()
  if (!isEvents) return readAll(body, over.signal)
  return padEvents(body, { ...events, monotonicNow: () => performance.now(), signal: over.signal })
}
