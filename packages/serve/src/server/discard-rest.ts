import type { IncomingMessage } from 'node:http'

/** Longest time a sender is listened to after its answer. */
const LINGER_MS = 10_000

/**
 * Takes in and drops what an app that has answered left of a request body. Closing at once would take
 * the answer away from a sender who still sends (a reset discards what it has not read), and left
 * where it is, the next request on this connection would wait behind it.
 */
export function discardRest(incoming: IncomingMessage): void {
  if (incoming.readableEnded || incoming.destroyed) return
  // Whoever read the body before takes no more and would hold it up for ever.
  for (const event of ['readable', 'data']) incoming.removeAllListeners(event)
  // A listener and not only `resume`: a reader that is closed later stops a stream that has none.
  incoming.on('data', () => {})
  // Not now: the stream counts its listeners in the next tick.
  process.nextTick(() => incoming.resume())
  const timer = setTimeout(() => incoming.socket.destroy(), LINGER_MS)
  timer.unref()
  incoming.once('close', () => clearTimeout(timer))
}
