import { utf8 } from '@sotto/protocol/bytes'
import { openAIError } from './errors.ts'

const SSE_HEADERS = {
  'content-type': 'text/event-stream; charset=utf-8',
  'cache-control': 'no-store, no-transform',
}

/** A comment line: readers skip it. */
const KEEP_ALIVE = ':\n\n'

/**
 * A server-sent event stream of JSON objects, `data: [DONE]` last when `done` is given. Each item is
 * one write (a list is one write of several events), pulled when the reader is ready. When the source throws, an error event follows and
 * the stream errors: what comes after it must never look like a complete answer. When the reader
 * leaves, `cancel` is aborted.
 *
 * @param keepAliveMs a comment is sent after so long a silence, for whoever cuts connections that say nothing
 */
export function eventStream(
  events: AsyncIterable<object | readonly object[]>,
  cancel: AbortController,
  done?: '[DONE]',
  keepAliveMs?: number,
): Response {
  const iterator = events[Symbol.asyncIterator]()
  let pending: ReturnType<typeof iterator.next> | undefined
  let failure: { cause: unknown } | undefined
  const body = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        if (failure) {
          controller.error(failure.cause)
          return
        }
        try {
          pending ??= iterator.next()
          const next = await orSilence(pending, keepAliveMs)
          if (next === undefined) return controller.enqueue(utf8(KEEP_ALIVE))
          pending = undefined
          if (!next.done) {
            const together: readonly object[] = Array.isArray(next.value) ? next.value : [next.value]
            controller.enqueue(
              utf8(together.map((value) => nameOf(value) + event(JSON.stringify(value))).join('')),
            )
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

/** Undefined after so long without an event. */
async function orSilence<T>(next: Promise<T>, ms: number | undefined): Promise<T | undefined> {
  if (ms === undefined) return next
  let timer: NodeJS.Timeout | undefined
  const silence = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), ms)
  })
  try {
    return await Promise.race([next, silence])
  } finally {
    clearTimeout(timer)
  }
}

/** Events of responses carry their type as a name too; those of the other routes have none. */
function nameOf(value: object): string {
  const { type } = value as { type?: unknown }
  return typeof type === 'string' && type.startsWith('response.') ? `event: ${type}\n` : ''
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
