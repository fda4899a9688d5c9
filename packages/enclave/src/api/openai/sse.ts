import { utf8 } from '@sotto/protocol/bytes'
import { openAIError } from './errors.ts'

const SSE_HEADERS = {
  'content-type': 'text/event-stream; charset=utf-8',
  'cache-control': 'no-store, no-transform',
}

/**
 * A server-sent event stream of JSON objects, `data: [DONE]` last when `done` is given. Each item is
 * one write (a list is one write of several events), pulled when the reader is ready. When the source throws, an error event follows and
 * the stream errors: what comes after it must never look like a complete answer. When the reader
 * leaves, `cancel` is aborted.
 */
export function eventStream(
  events: AsyncIterable<object | readonly object[]>,
  cancel: AbortController,
  done?: '[DONE]',
): Response {
  const iterator = events[Symbol.asyncIterator]()
  let failure: { cause: unknown } | undefined
  const body = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        if (failure) {
          controller.error(failure.cause)
          return
        }
        try {
          const next = await iterator.next()
          if (!next.done) {
            const together: readonly object[] = Array.isArray(next.value) ? next.value : [next.value]
            controller.enqueue(utf8(together.map((value) => event(JSON.stringify(value))).join('')))
            return
          }
          if (done) controller.enqueue(utf8(event(done)))
          controller.close()
        } catch (cause) {
          failure = { cause }
          controller.enqueue(utf8(event(JSON.stringify(openAIError(cause).body))))
        }
      },
      cancel() {
        cancel.abort()
      },
    },
    { highWaterMark: 0 },
  )
  return new Response(body, { headers: SSE_HEADERS })
}

function event(data: string): string {
  return `data: ${data}\n\n`
}

/** A controller that aborts with the client; at once when it has left already. */
export function cancelledWith(client: AbortSignal): AbortController {
  const cancel = new AbortController()
  if (client.aborted) cancel.abort()
  else client.addEventListener('abort', () => cancel.abort(), { once: true })
  return cancel
}
