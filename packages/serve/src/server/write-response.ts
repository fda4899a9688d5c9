import type { ServerResponse } from 'node:http'
import { type ReceiverLimits, writeBody } from './write-body.ts'

/** Headers that concern one hop; the HTTP server decides them, not the app. */
const HOP_BY_HOP = new Set(['connection', 'keep-alive', 'transfer-encoding', 'upgrade', 'trailer', 'te'])

/**
 * Writes a response: each chunk as soon as the app produces it, never faster than the client reads.
 * A body that fails is cut by destroying the connection, so that no receiver can take the part for
 * the whole; the failure itself is not written anywhere. The app's stream is cancelled when the
 * client leaves or is slower than `receiver` says.
 */
export async function writeResponse(
  response: Response,
  outgoing: ServerResponse,
  receiver: ReceiverLimits,
): Promise<void> {
  const headers: Record<string, string | string[]> = {}
  for (const [name, value] of response.headers) if (!HOP_BY_HOP.has(name)) headers[name] = value
  const cookies = response.headers.getSetCookie()
  if (cookies.length > 0) headers['set-cookie'] = cookies
  if (outgoing.destroyed) {
    await response.body?.cancel()
    return
  }
  if (response.body === null) {
    outgoing.writeHead(response.status, headers)
    outgoing.end()
    return
  }
  const isDeclared = headers['content-length'] !== undefined
  const reader = response.body.getReader()
  const cancel = (): void => void reader.cancel().catch(() => undefined)
  outgoing.once('close', cancel)
  try {
    await writeBody(reader, outgoing, {
      receiver,
      lookAhead: !isDeclared,
      begin(length) {
        // A body that is complete at once gets a length instead of chunked framing.
        if (length !== undefined) headers['content-length'] = String(length)
        outgoing.writeHead(response.status, headers)
        if (length === undefined && !isDeclared) outgoing.flushHeaders()
      },
    })
  } catch {
    outgoing.destroy()
    cancel()
  } finally {
    outgoing.off('close', cancel)
  }
}
