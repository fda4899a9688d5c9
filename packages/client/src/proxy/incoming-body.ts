import type { IncomingMessage } from 'node:http'

/** Longest time a caller is listened to after its answer. */
const LINGER_MS = 10_000

/**
 * The body as it arrives, without the copies of `Readable.toWeb`. Who stops reading may still answer:
 * the connection lives on.
 */
export function bodyOf(incoming: IncomingMessage): ReadableStream<Uint8Array> {
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

/**
 * Takes in and drops what is left of an upload that was answered before its end. Closing at once would
 * take the answer away from a program that still sends, and left where it is, the next request on this
 * connection would wait behind it.
 */
export function discardRest(incoming: IncomingMessage): void {
  if (incoming.readableEnded || incoming.destroyed) return
  incoming.removeAllListeners('readable')
  // A listener and not only `resume`: a reader that is closed later stops a stream that has none.
  incoming.on('data', () => {})
  // Not now: the stream counts its listeners in the next tick.
  process.nextTick(() => incoming.resume())
  const timer = setTimeout(() => incoming.socket.destroy(), LINGER_MS)
  timer.unref()
  incoming.once('close', () => clearTimeout(timer))
}
