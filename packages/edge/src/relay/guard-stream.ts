import type { SottoError } from '@sotto/protocol/errors'
import { serveError } from '@sotto/serve/errors'
import { edgeError } from '../errors.ts'

/** Bounds on one body on its way through. */
export interface StreamLimits {
  /** Bytes in all. */
  maxBytes: number
  /** Longest wait for the next bytes while somebody wants them, in milliseconds. */
  idleMs: number
  /** Instant after which nothing more is waited for, on the clock of `now`, in milliseconds. */
  deadline: number
}

/** How a stream was over: read to its end, failed (with why), or no longer wanted by its reader. */
export type StreamOutcome = { type: 'end' } | { type: 'fail'; error: unknown } | { type: 'cancel' }

/** Milliseconds on a clock that never goes back. */
export type MonotonicNow = () => number

/**
 * The same bytes, one chunk at a time and only when asked: no queue, so the receiver's pace is the
 * sender's pace. A sender that is too slow, too large or cut makes the stream *fail*; it never ends
 * cleanly by accident. Waiting for the receiver does not count against the sender. `onOutcome` is
 * called once; `onWanted` when somebody wants the first bytes, which until then nobody has.
 */
export function guardStream(
  source: ReadableStream<Uint8Array>,
  limits: StreamLimits,
  now: MonotonicNow,
  onOutcome: (outcome: StreamOutcome) => void,
  onWanted: () => void = () => {},
): ReadableStream<Uint8Array<ArrayBuffer>> {
  const reader = source.getReader()
  let seen = 0
  return new ReadableStream<Uint8Array<ArrayBuffer>>(
    {
      async pull(controller) {
        if (seen === 0) onWanted()
        try {
          const { done, value } = await readInTime(reader, Math.min(limits.idleMs, limits.deadline - now()))
          if (done) {
            onOutcome({ type: 'end' })
            return controller.close()
          }
          seen += value.length
          if (seen > limits.maxBytes) throw serveError('HTTP_BODY_TOO_LARGE', 'the body is too large')
          controller.enqueue(value as Uint8Array<ArrayBuffer>)
        } catch (error) {
          reader.cancel(error).catch(() => {})
          onOutcome({ type: 'fail', error })
          throw error
        }
      },
      async cancel(reason) {
        onOutcome({ type: 'cancel' })
        await reader.cancel(reason)
      },
    },
    { highWaterMark: 0 },
  )
}

async function readInTime(
  reader: ReadableStreamDefaultReader<Uint8Array>,
  waitMs: number,
): Promise<ReadableStreamReadResult<Uint8Array>> {
  if (waitMs <= 0) throw tooSlow()
  let timer: NodeJS.Timeout | undefined
  const timeout = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(tooSlow()), waitMs)
  })
  try {
    return await Promise.race([reader.read(), timeout])
  } finally {
    clearTimeout(timer)
  }
}

function tooSlow(): SottoError {
  return edgeError('RELAY_TOO_SLOW', 'nothing arrived in time')
}
