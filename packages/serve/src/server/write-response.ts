import type { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'

/** Headers that concern one hop; the HTTP server decides them, not the app. */
const HOP_BY_HOP = new Set(['connection', 'keep-alive', 'transfer-encoding', 'upgrade', 'trailer', 'te'])

/**
 * Writes a response: each chunk as soon as the app produces it, never faster than the client reads.
 * A body that fails is cut by destroying the connection, so that no receiver can take the part for
 * the whole; the failure itself is not written anywhere. The app's stream is cancelled when the
 * client leaves or takes nothing for `stallMs`.
 */
export async function writeResponse(
  response: Response,
  outgoing: ServerResponse,
  stallMs: number,
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
  const reader = response.body.getReader()
  const cancel = (): void => void reader.cancel().catch(() => undefined)
  outgoing.once('close', cancel)
  try {
    await writeBody(reader, outgoing, response.status, headers, stallMs)
  } catch {
    outgoing.destroy()
    cancel()
  } finally {
    outgoing.off('close', cancel)
  }
}

type Reader = ReadableStreamDefaultReader<Uint8Array>

async function writeBody(
  reader: Reader,
  outgoing: ServerResponse,
  status: number,
  headers: Record<string, string | string[]>,
  stallMs: number,
): Promise<void> {
  let next = reader.read()
  // A declared length spares the waiting below.
  const first = headers['content-length'] === undefined ? await readNow(next) : undefined
  if (first === undefined) {
    outgoing.writeHead(status, headers)
    if (headers['content-length'] === undefined) outgoing.flushHeaders()
  } else {
    next = first.done ? next : reader.read()
    // A body that is complete after its first chunk gets a length instead of chunked framing.
    if (first.done || (await readNow(next))?.done === true)
      headers['content-length'] ??= String(first.value?.length ?? 0)
    outgoing.writeHead(status, headers)
    if (!first.done) await write(first.value, outgoing, stallMs)
  }
  for (let chunk = await next; !chunk.done; chunk = await reader.read())
    await write(chunk.value, outgoing, stallMs)
  if (outgoing.writableLength > 0) outgoing.socket?.setTimeout(stallMs)
  outgoing.end()
}

/** What the read gives within this turn of the event loop; `undefined` when it has to wait. */
function readNow<T>(read: Promise<T>): Promise<T | undefined> {
  return new Promise((resolve, reject) => {
    const turn = setImmediate(resolve, undefined)
    read.then((value) => {
      clearImmediate(turn)
      resolve(value)
    }, reject)
  })
}

async function write(chunk: Uint8Array, outgoing: ServerResponse, stallMs: number): Promise<void> {
  if (outgoing.destroyed) throw new Error('the client left')
  if (outgoing.write(chunk)) return
  const socket: Socket | null = outgoing.socket
  socket?.setTimeout(stallMs)
  await new Promise<void>((resolve, reject) => {
    const onDrain = (): void => {
      outgoing.off('close', onClose)
      resolve()
    }
    const onClose = (): void => {
      outgoing.off('drain', onDrain)
      reject(new Error('the client left'))
    }
    outgoing.once('drain', onDrain)
    outgoing.once('close', onClose)
  })
  socket?.setTimeout(0)
}
