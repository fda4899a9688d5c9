import { clientError } from '../errors.ts'

/** Subprotocol of the relay: one chunked-OHTTP exchange over one WebSocket, see `docs/live.md`. */
const PROTOCOL = 'sotto-ohttp'

/** The text message after the last piece of a direction. */
const END = 'end'

/** The relay takes messages of at most this many bytes. */
const MAX_MESSAGE_BYTES = 65_536

/** Sent and not on the wire yet: more is not sealed before. A page cannot wait for less than its timer gives. */
const MAX_BUFFERED_BYTES = 262_144
const BUFFER_LOOK_MS = 10

/** How often the relay is told what was read, in bytes; it sends 1 MiB ahead, and takes who says less for too slow. */
const READ_STEP_BYTES = 65_536

/** A relay that sends further ahead than that breaks the protocol. */
const MAX_AHEAD_BYTES = 4 * 1024 * 1024

/** What of `WebSocket` is used. */
export type WebSocketClass = new (url: string, protocols: string) => WebSocket

/** Both byte streams of an exchange. */
export interface SocketExchange {
  /** What is sent. When it throws, the exchange is cut, and `answer` fails with the same. */
  sealed: AsyncIterable<Uint8Array>
  signal: AbortSignal
  /** What a status of the relay means to the caller. */
  refusal: (status: number) => Error
}

/**
 * Sends an encapsulated request over a WebSocket of the relay while its answer arrives. Settles with the answer once
 * its first piece is there. The answer ends only after the relay said so; every other end is an error.
 *
 * @throws what `refusal` makes of a close code that stands for a status; `RELAY_UNREACHABLE`; the reason of the signal
 */
export async function exchangeBySocket(
  address: URL,
  { sealed, signal, refusal }: SocketExchange,
  WebSocketClass: WebSocketClass,
): Promise<ReadableStream<Uint8Array>> {
  const url = new URL(address)
  url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:'
  signal.throwIfAborted()
  const socket = new WebSocketClass(url.href, PROTOCOL)
  socket.binaryType = 'arraybuffer'
  const answer = receive(socket, signal, refusal)
  socket.addEventListener('open', () => {
    send(socket, sealed, answer.over).catch(answer.fail)
  })
  await answer.begun
  return answer.body
}

async function send(socket: WebSocket, sealed: AsyncIterable<Uint8Array>, over: AbortSignal): Promise<void> {
  for await (const bytes of sealed) {
    for (let at = 0; at < bytes.length; at += MAX_MESSAGE_BYTES) {
      while (socket.bufferedAmount > MAX_BUFFERED_BYTES && !over.aborted)
        await new Promise((resolve) => setTimeout(resolve, BUFFER_LOOK_MS))
      // The answer may be complete before the request is: nobody needs the rest then.
      if (over.aborted) return
      socket.send(bytes.slice(at, at + MAX_MESSAGE_BYTES))
    }
  }
  if (!over.aborted) socket.send(END)
}

interface Answer {
  body: ReadableStream<Uint8Array>
  /** Settles with the first piece. */
  begun: Promise<void>
  /** Aborted when nothing more is received, for whatever reason. */
  over: AbortSignal
  fail: (reason: unknown) => void
}

function receive(socket: WebSocket, signal: AbortSignal, refusal: (status: number) => Error): Answer {
  const over = new AbortController()
  const begun = Promise.withResolvers<void>()
  begun.promise.catch(() => {})
  let controller!: ReadableStreamDefaultController<Uint8Array>
  let received = 0
  let taken = 0
  let told = 0
  let hasBegun = false

  function finish(then: () => void): void {
    if (over.signal.aborted) return
    over.abort()
    signal.removeEventListener('abort', onAbort)
    then()
    socket.close()
  }
  function fail(reason: unknown): void {
    finish(() => {
      controller.error(reason)
      begun.reject(reason)
    })
  }
  function onAbort(): void {
    fail(signal.reason)
  }

  const body = new ReadableStream<Uint8Array>({
    start: (given) => void (controller = given),
    cancel: () => finish(() => {}),
  })
  const counting = new TransformStream<Uint8Array, Uint8Array>(
    {
      transform(piece, to) {
        taken += piece.length
        if (taken - told >= READ_STEP_BYTES && socket.readyState === socket.OPEN) {
          told = taken
          socket.send(`read ${taken}`)
        }
        to.enqueue(piece)
      },
    },
    { highWaterMark: 1 },
    { highWaterMark: 0 },
  )
  signal.addEventListener('abort', onAbort, { once: true })
  socket.addEventListener('message', ({ data }: MessageEvent<unknown>) => {
    if (over.signal.aborted) return
    const isPiece = data instanceof ArrayBuffer && data.byteLength > 0
    if (isPiece && (received += data.byteLength) - taken <= MAX_AHEAD_BYTES) {
      hasBegun = true
      controller.enqueue(new Uint8Array(data))
      begun.resolve()
    } else if (data === END && hasBegun) finish(() => controller.close())
    else fail(clientError('RESPONSE_INVALID', 'the relay sent a message that is none of the protocol'))
  })
  // What went wrong is not told to pages; before the socket was open, nothing else may follow.
  socket.addEventListener('error', () => {
    if (!hasBegun && socket.readyState !== socket.OPEN) fail(clientError('RELAY_UNREACHABLE', CUT))
  })
  socket.addEventListener('close', ({ code }: CloseEvent) => {
    if (code >= 4000 && !hasBegun) fail(refusal(code - 4000))
    else fail(clientError(hasBegun ? 'RESPONSE_TRUNCATED' : 'RELAY_UNREACHABLE', CUT))
  })
  return { body: body.pipeThrough(counting), begun: begun.promise, over: over.signal, fail }
}

const CUT = 'the connection to the relay ended before the answer did'
