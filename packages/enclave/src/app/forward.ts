import { type Agent, type ClientRequest, type IncomingMessage, request as httpRequest } from 'node:http'
import type { Duplex } from 'node:stream'
import { SottoError } from '@sotto/protocol/errors'
import { APP_AUTHORITY, REQUEST_FIELDS } from '../gateway/index.ts'
import type { ByteBudget } from '../ram/byte-budget.ts'
import { MAX_ANSWER_HEADERS, toResponse } from './answer.ts'
import { appError } from './errors.ts'
import { type OutgoingBody, prepareBody } from './request-body.ts'

/** How requests reach an app. */
export interface ForwardOptions {
  /** Connections to the bridge. */
  readonly agent: Agent
  /** Memory of requests that are held until they are whole, all together. */
  readonly budget: ByteBudget
  /** Longest silence of the app, milliseconds. */
  readonly idleMs: number
}

/** Status line and headers of an answer. */
const MAX_HEAD_BYTES = 16 * 1024

/**
 * Has the app answer a request, over HTTP/1.1. It gets method, path, content and the fields that the gateway admits; its
 * answer passes as it comes. When the request is aborted, the exchange with the app ends too.
 * @throws `APP_NO_ANSWER`, `APP_ANSWER_MALFORMED`, `APP_TIMEOUT`; what the request's body throws; the reason of an abort
 */
export async function forward(request: Request, options: ForwardOptions): Promise<Response> {
  const body = await prepareBody(request.body, options.budget)
  try {
    return await exchange(request, body, options)
  } catch (error) {
    body.cancel()
    request.signal.throwIfAborted()
    throw error
  } finally {
    if (body.isWhole) body.release()
  }
}

async function exchange(request: Request, body: OutgoingBody, options: ForwardOptions): Promise<Response> {
  for (let isAgain = false; ; isAgain = true) {
    request.signal.throwIfAborted()
    const outgoing = begin(request, body, options)
    const answered = answerOf(outgoing, request.signal, options.idleMs)
    const sent = body.send(outgoing)
    // Where the app does not take all of it, its answer counts; where the client cuts it, the request is destroyed.
    sent.catch(() => undefined)
    // What the app has not taken by the end of its answer it never gets: nobody empties the connection from then on, and
    // the gateway reads the rest, so that it would get a request with a hole in it.
    const onEnd = (): void => {
      if (outgoing.writableFinished) return
      outgoing.destroy()
      body.cancel()
    }
    try {
      return toResponse(await answered, onEnd)
    } catch (error) {
      outgoing.destroy()
      // Closed by the app in the moment it was used again. What asks for something may not be repeated.
      if (request.method === 'GET' && body.isWhole && !isAgain && outgoing.reusedSocket && isReset(error))
        continue
      throw error
    }
  }
}

function begin(request: Request, body: OutgoingBody, { agent }: ForwardOptions): ClientRequest {
  const { pathname, search } = new URL(request.url)
  const headers: Record<string, string> = { ...body.headers, host: APP_AUTHORITY }
  for (const [name, value] of request.headers) if (REQUEST_FIELDS.has(name)) headers[name] = value
  const outgoing = httpRequest({
    agent,
    method: request.method,
    path: `${pathname}${search}`,
    headers,
    signal: request.signal,
    maxHeaderSize: MAX_HEAD_BYTES,
  })
  // One more than it may have, so that it shows.
  outgoing.maxHeadersCount = MAX_ANSWER_HEADERS + 1
  return outgoing
}

/** The head of the answer. @throws `APP_NO_ANSWER`, `APP_ANSWER_MALFORMED`, `APP_TIMEOUT`; the reason of an abort */
async function answerOf(
  outgoing: ClientRequest,
  signal: AbortSignal,
  idleMs: number,
): Promise<IncomingMessage> {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>()
  const late = (): Error => appError('APP_TIMEOUT', 'the app did not answer in time')
  // While it waits for a connection, a request says nothing: not that it is destroyed, and not that time is over.
  const onAbort = (): void => reject(signal.reason)
  const timer = setTimeout(() => reject(late()), idleMs)
  outgoing.once('socket', () => clearTimeout(timer))
  signal.addEventListener('abort', onAbort, { once: true })
  outgoing.setTimeout(idleMs, () => outgoing.destroy(late()))
  outgoing.once('response', (incoming) => {
    // Said by whoever reads the body.
    incoming.on('error', () => undefined)
    resolve(incoming)
  })
  outgoing.once('upgrade', (_, socket: Duplex) => {
    socket.destroy()
    reject(appError('APP_ANSWER_MALFORMED', 'the app answered with another protocol'))
  })
  outgoing.on('error', (error: Error) => reject(inOurWords(error)))
  outgoing.once('close', () => reject(appError('APP_NO_ANSWER', 'the app did not answer')))
  try {
    return await promise
  } finally {
    clearTimeout(timer)
    signal.removeEventListener('abort', onAbort)
  }
}

function inOurWords(error: Error): Error {
  if (error instanceof SottoError) return error
  const code = (error as NodeJS.ErrnoException).code ?? ''
  return code.startsWith('HPE_')
    ? appError('APP_ANSWER_MALFORMED', 'the app answered with something that is not HTTP', { cause: error })
    : appError('APP_NO_ANSWER', 'the app did not answer', { cause: error })
}

function isReset(error: unknown): boolean {
  return (
    error instanceof SottoError &&
    error.code === 'APP_NO_ANSWER' &&
    (error.cause as NodeJS.ErrnoException | undefined)?.code === 'ECONNRESET'
  )
}
