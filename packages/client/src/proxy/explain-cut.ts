import { errorBody } from './errors.ts'

const BOUNDARY = '\n\n'
/** How an error event of the enclave begins. Inside the words of an answer its quotes are escaped. */
const ERROR_EVENT = 'data: {"error":'
/** An event that is longer goes through in parts; it is no event of this API. */
const MAX_HELD_BYTES = 1024 * 1024
/** Between the error event and the cut: a program throws away what it has not read when the connection breaks. */
const BEFORE_CUT_MS = 100

/**
 * An event stream that says why before it is cut. SDKs take a connection that breaks for a fault of the
 * network; an event `data: {"error":…}` they give to the program, with its code. Only whole events pass, so
 * that the error event is one. The stream still fails after it: nothing that was cut looks complete.
 */
export function explainCut(body: ReadableStream<Uint8Array>): ReadableStream<Uint8Array> {
  const reader = body.getReader()
  let held: Buffer = Buffer.alloc(0)
  let isExplained = false
  let failure: { cause: unknown } | undefined
  const whole = (bytes: Uint8Array): Buffer => {
    const all = held.length === 0 ? viewOf(bytes) : Buffer.concat([held, bytes])
    const boundary = all.lastIndexOf(BOUNDARY)
    const end = all.length > MAX_HELD_BYTES ? all.length : boundary < 0 ? 0 : boundary + BOUNDARY.length
    held = all.subarray(end)
    return all.subarray(0, end)
  }
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        if (failure) {
          await new Promise((resolve) => setTimeout(resolve, BEFORE_CUT_MS))
          throw failure.cause
        }
        try {
          for (;;) {
            const { done, value } = await reader.read()
            const events = done ? held : whole(value)
            isExplained ||= events.includes(ERROR_EVENT)
            if (events.length > 0) controller.enqueue(events)
            if (done) controller.close()
            if (done || events.length > 0) return
          }
        } catch (cause) {
          if (isExplained) throw cause
          failure = { cause }
          controller.enqueue(Buffer.from(`data: ${JSON.stringify(errorBody(cause))}${BOUNDARY}`))
        }
      },
      cancel: (reason) => reader.cancel(reason),
    },
    { highWaterMark: 0 },
  )
}

function viewOf({ buffer, byteOffset, length }: Uint8Array): Buffer {
  return Buffer.from(buffer, byteOffset, length)
}
