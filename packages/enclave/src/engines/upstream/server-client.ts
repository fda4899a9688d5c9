import { type ClientRequest, type IncomingMessage, request as httpRequest } from 'node:http'
import { SottoError } from '@sotto/protocol/errors'
import { engineError } from '../errors.ts'
import { MAX_ANSWER_BYTES } from '../host/answer-bounds.ts'
import { type Content, contentOf, type RawBody, readAll } from './body.ts'
import { parseEvents } from './event-stream.ts'
import type { KeptConnection } from './kept-connection.ts'

/** Where a model server listens: in this TEE, or nowhere. */
export type ServerAddress =
  | { readonly socketPath: string }
  | { readonly host: '127.0.0.1' | '::1'; readonly port: number }

/** What a {@link ServerClient} is made of. */
export interface ServerClientOptions {
  readonly address: ServerAddress
  /** `METHOD /path` of all that is ever asked; the server may have other routes, and nobody reaches them. */
  readonly routes: readonly string[]
  /** A secret of this process and the server, asked for at each request. */
  readonly apiKey?: () => string
  /** Longest silence of the server, ms. */
  readonly idleMs: number
}

/** Knows which process may be spoken to. */
export interface ServerGuard {
  /**
   * Resolves when the server may be spoken to, with a function that says whether it is still that process. It is asked when
   * a connection is there and nothing has been sent over it. @throws why not
   */
  confirm(signal: AbortSignal | undefined): Promise<() => boolean>
}

/** One request to a model server. */
export interface ServerRequest {
  /** One of the routes. */
  readonly route: string
  /** JSON, or bytes with their own headers. Absent: no body. */
  readonly body?: object | RawBody
  readonly signal?: AbortSignal
  /** Goes over this connection instead of one of its own. */
  readonly kept?: KeptConnection
  /** Asked before anything is sent. */
  readonly guard?: ServerGuard
  /** Told how many bytes of a whole answer are allocated, before they are. */
  readonly hold?: (bytes: number) => void
  /** Bytes of a whole answer at most. Default those of the largest answer there is. */
  readonly maxBytes?: number
}

/** A whole answer of a model server. */
export interface ServerAnswer {
  readonly status: number
  readonly headers: IncomingMessage['headers']
  readonly bytes: Uint8Array
}

/** A server that is replaced this often while one request is to be sent is not there. */
const MAX_ATTEMPTS = 3

/** What a server says of an error is read for its kind alone, and never passed on: it may quote the prompt. */
const MAX_ERROR_BYTES = 64 * 1024
const OVERFLOW =
  /"(?:type|code)"\s*:\s*"(?:exceed_context_size_error|context_length_exceeded)"|maximum context length/

/**
 * Speaks to a model server in the same TEE: known routes only, no redirects, no proxies, everything it answers bounded
 * in size and silence. The server runs third-party weights, so nothing it says is trusted. Calls may be concurrent, each
 * on a connection of its own, which ends with it: a server stops computing when its caller hangs up.
 *
 * All throw `ENGINE_CRASHED` (it is not there, or hung up), `ENGINE_TIMEOUT`, `ENGINE_CANCELLED`, `ENGINE_PROTOCOL`,
 * `ENGINE_ANSWER_TOO_LARGE`; `ENGINE_INPUT`, `ENGINE_CONTEXT_OVERFLOW`, `ENGINE_BUSY`, `ENGINE_FAILED` for its refusals.
 */
export class ServerClient {
  private readonly options: ServerClientOptions

  constructor(options: ServerClientOptions) {
    this.options = options
  }

  /** The status alone. For asking whether it is ready. */
  async status(request: ServerRequest): Promise<number> {
    const incoming = await this.send(request)
    // Read where the connection is to be used again.
    if (request.kept) await readAll(this.read(incoming, request.signal), MAX_ERROR_BYTES)
    else incoming.destroy()
    return incoming.statusCode ?? 0
  }

  /** A JSON answer. */
  async json(request: ServerRequest): Promise<unknown> {
    const { bytes } = await this.whole(request)
    try {
      return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)) as unknown
    } catch {
      throw engineError('ENGINE_PROTOCOL', 'the model server answered something that is not JSON')
    }
  }

  /** Any answer of status 200, whole. */
  async whole(request: ServerRequest): Promise<ServerAnswer> {
    const incoming = await this.accepted(request)
    const chunks = this.read(incoming, request.signal)
    const { hold, maxBytes = MAX_ANSWER_BYTES } = request
    const bytes = await readAll(chunks, maxBytes, hold, incoming.headers['content-length'])
    return { status: 200, headers: incoming.headers, bytes }
  }

  /** The JSON values of an event stream, up to `[DONE]` or its end. Leaving the loop hangs up. */
  async *events(request: ServerRequest): AsyncGenerator<unknown, void> {
    const incoming = await this.accepted(request)
    try {
      if (!/^text\/event-stream\b/i.test(incoming.headers['content-type'] ?? ''))
        throw engineError('ENGINE_PROTOCOL', 'the model server answered no event stream')
      yield* parseEvents(this.read(incoming, request.signal))
    } finally {
      incoming.destroy()
    }
  }

  private async accepted(request: ServerRequest): Promise<IncomingMessage> {
    const incoming = await this.send(request)
    if (incoming.statusCode === 200) return incoming
    const said = await readAll(this.read(incoming, request.signal), MAX_ERROR_BYTES).catch(() => undefined)
    throw refusal(incoming.statusCode ?? 0, Buffer.from(said ?? []).toString('latin1'))
  }

  private async send(request: ServerRequest): Promise<IncomingMessage> {
    if (!this.options.routes.includes(request.route))
      throw engineError('ENGINE_FAILED', 'no request to a model server takes this route')
    let content: Content | undefined
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
      if (request.signal?.aborted) throw cancelled()
      const isStill = await request.guard?.confirm(request.signal)
      const incoming = await this.attempt(request, (content ??= contentOf(request.body)), isStill)
      if (incoming) return incoming
    }
    throw notThere(new Error('another one took its place each time'))
  }

  /** Undefined where the process at the other end may be another by now: nothing was sent to it. */
  private attempt(
    { route, signal, kept }: ServerRequest,
    content: Content,
    isStill: (() => boolean) | undefined,
  ): Promise<IncomingMessage | undefined> {
    const { address, apiKey, idleMs } = this.options
    const [method, path] = route.split(' ', 2)
    return new Promise((resolve, reject) => {
      const outgoing: ClientRequest = httpRequest({
        ...address,
        method,
        path,
        agent: kept?.agent ?? false,
        headers: {
          host: 'localhost',
          accept: '*/*',
          ...(apiKey !== undefined && { authorization: `Bearer ${apiKey()}` }),
          ...content.headers,
        },
        timeout: idleMs,
      })
      const onAbort = (): void => void outgoing.destroy(cancelled())
      signal?.addEventListener('abort', onAbort, { once: true })
      outgoing.once('close', () => signal?.removeEventListener('abort', onAbort))
      outgoing.once('timeout', () => outgoing.destroy(silent(idleMs)))
      // For its whole life: an error after the head would otherwise end the process.
      outgoing.on('error', (error) => reject(error instanceof SottoError ? error : notThere(error)))
      outgoing.once('response', (incoming) => {
        kept?.answered(outgoing.shouldKeepAlive)
        resolve(incoming)
      })
      const write = (): void => {
        // Views, which are not copied: what is written is what the caller holds already.
        for (const part of content.parts) outgoing.write(part)
        outgoing.end()
      }
      if (kept) outgoing.once('socket', kept.use)
      if (isStill === undefined) return write()
      const writeIfStill = (): void => {
        if (isStill()) return write()
        resolve(undefined)
        outgoing.destroy()
      }
      // The end of the process before is in the queue of events by the time that the next one has taken a connection: a
      // turn later it has been noticed.
      outgoing.once('socket', (socket) => socket.once('connect', () => setImmediate(writeIfStill)))
    })
  }

  /** The body of an answer, with the reasons why it may end early. */
  private async *read(
    incoming: IncomingMessage,
    signal: AbortSignal | undefined,
  ): AsyncGenerator<Uint8Array, void> {
    const { idleMs } = this.options
    const { socket } = incoming
    let isSilent = false
    const onSilence = (): void => {
      isSilent = true
      incoming.destroy()
    }
    socket.setTimeout(idleMs)
    socket.once('timeout', onSilence)
    const onAbort = (): void => void incoming.destroy()
    signal?.addEventListener('abort', onAbort, { once: true })
    if (signal?.aborted) onAbort()
    try {
      for await (const chunk of incoming) yield chunk as Buffer
      if (!incoming.complete) throw new Error('cut')
    } catch (error) {
      if (signal?.aborted) throw cancelled()
      if (isSilent) throw silent(idleMs)
      throw notThere(error as Error)
    } finally {
      signal?.removeEventListener('abort', onAbort)
      socket.off('timeout', onSilence)
    }
  }
}

function refusal(status: number, said: string): Error {
  const found = { found: `status ${status}` }
  if (status === 429 || status === 503) return engineError('ENGINE_BUSY', 'the model server is busy', found)
  if (status === 400 || status === 413 || status === 422) {
    return OVERFLOW.test(said)
      ? engineError('ENGINE_CONTEXT_OVERFLOW', 'the prompt does not fit the context of this model', found)
      : engineError('ENGINE_INPUT', 'the model server does not accept this request', found)
  }
  return engineError('ENGINE_FAILED', 'the model server failed', found)
}

function cancelled(): Error {
  return engineError('ENGINE_CANCELLED', 'the caller cancelled')
}

function silent(idleMs: number): Error {
  return engineError('ENGINE_TIMEOUT', 'the model server made no progress', {
    expected: `an answer within ${idleMs} ms`,
  })
}

function notThere(cause: Error): Error {
  return engineError('ENGINE_CRASHED', 'the model server hung up, or is not there', { cause })
}
