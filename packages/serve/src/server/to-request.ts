import type { IncomingMessage } from 'node:http'

/** One `Host`: a name or address with an optional port. More would move the boundary between authority and path. */
const HOST = /^[\w.:[\]-]{1,255}$/

/**
 * The `Request` a Node request stands for; undefined when target, host or method are not what an origin
 * server takes. The sender controls all of it. The body is read when it is asked for, chunk by chunk
 * and without a copy, and fails when the connection is cut.
 */
export function toRequest(incoming: IncomingMessage, signal: AbortSignal): Request | undefined {
  const { method = '', url: target = '' } = incoming
  const host = incoming.headers.host ?? ''
  if (!target.startsWith('/') || !HOST.test(host)) return undefined
  const body = method === 'GET' || method === 'HEAD' ? null : bodyOf(incoming)
  // All of it inside: what one of these refuses must not end the process.
  try {
    const headers = new Headers()
    for (let i = 0; i + 1 < incoming.rawHeaders.length; i += 2)
      headers.append(incoming.rawHeaders[i]!, incoming.rawHeaders[i + 1]!)
    return new Request(`http://${host}${target}`, {
      method,
      headers,
      body,
      signal,
      duplex: 'half',
    } as RequestInit)
  } catch {
    return undefined
  }
}

function bodyOf(incoming: IncomingMessage): ReadableStream<Uint8Array> {
  // Who stops reading may still answer: the connection lives on until the answer is written.
  const chunks = incoming.iterator({ destroyOnReturn: false }) as AsyncIterator<Buffer, undefined>
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const { done, value } = await chunks.next()
        if (done) controller.close()
        else controller.enqueue(value)
      },
      cancel() {
        // Not awaited: a generator that waits for bytes ends with them.
        void chunks.return?.()
      },
    },
    { highWaterMark: 0 },
  )
}
