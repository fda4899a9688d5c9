import { serveError } from '@sotto/serve/errors'
import type { WebSocketConnection } from '@sotto/serve/websocket'
import { edgeError } from '../errors.ts'

/** Subprotocol: one chunked-OHTTP exchange. See `docs/live.md` for its messages. */
export const SOCKET_PROTOCOL = 'sotto-ohttp'

/** The text message after the last piece of a direction. Without it, the stream was cut. */
const END = 'end'

/** Answer bytes on their way to a client that has not said that it read them. Browsers buffer without a bound. */
const WINDOW_BYTES = 1024 * 1024

/** `read N`: the client has taken N bytes of the answer, in all. */
const READ = /^read ([1-9]\d{0,14})$/

/** What the client says over one connection. */
export interface ClientSide {
  /** The encapsulated request, piece by piece, as it is asked for. Fails where it was not said to be complete. */
  readonly body: ReadableStream<Uint8Array<ArrayBuffer>>
  /** Says before a piece of the answer is sent how many bytes it has. */
  willSend(bytes: number): void
  /** Settles when the client has read enough of the answer to be sent more. @throws when it is gone */
  hasRead(): Promise<void>
}

/**
 * Takes the messages of a client apart: pieces of the request (binary, not empty), its end, and what was read of the
 * answer. The client controls all of them; anything else fails the request.
 */
export function socketRequest(connection: WebSocketConnection): ClientSide {
  let hasEnded = false
  let read = 0
  let sent = 0
  let wake: () => void = () => {}
  connection.gone.addEventListener('abort', () => wake(), { once: true })

  /** The next piece; undefined at the end. */
  async function next(): Promise<Uint8Array<ArrayBuffer> | undefined> {
    for (;;) {
      const message = await connection.receive()
      if (message.type === 'text' && READ.test(message.text)) {
        const upTo = Number(READ.exec(message.text)![1])
        if (upTo <= read || upTo > sent) throw invalid('the client read what was not sent')
        read = upTo
        wake()
      } else if (hasEnded) throw invalid('the client sends on after its end')
      else if (message.type === 'binary' && message.bytes.length > 0)
        return message.bytes as Uint8Array<ArrayBuffer>
      else if (message.type === 'text' && message.text === END) {
        hasEnded = true
        return undefined
      } else throw invalid('this is no message of the subprotocol')
    }
  }

  /**
   * Goes on listening when nobody wants more of the request: for what was read of the answer, and for the client
   * leaving. What is left of the request is dropped.
   */
  async function listenOn(): Promise<void> {
    try {
      for (;;) await next()
    } catch {
      if (!connection.gone.aborted) void connection.close(1002)
      wake()
    }
  }

  const body = new ReadableStream<Uint8Array<ArrayBuffer>>(
    {
      async pull(controller) {
        const piece = await next()
        if (piece) return controller.enqueue(piece)
        controller.close()
        void listenOn()
      },
      cancel: () => void listenOn(),
    },
    { highWaterMark: 0 },
  )
  return {
    body,
    willSend(bytes) {
      sent += bytes
    },
    async hasRead() {
      while (sent - read > WINDOW_BYTES) {
        connection.gone.throwIfAborted()
        await new Promise<void>((resolve) => {
          wake = resolve
        })
      }
    },
  }
}

/**
 * Sends the answer as it comes, then its end. Never faster than the client reads it.
 * @throws `RELAY_TOO_SLOW` for a client that reads nothing for `idleMs`; what the answer throws
 */
export async function writeAnswer(
  answer: ReadableStream<Uint8Array>,
  connection: WebSocketConnection,
  client: ClientSide,
  idleMs: number,
): Promise<void> {
  for await (const piece of answer) {
    client.willSend(piece.length)
    await connection.send(piece)
    await inTime(client.hasRead(), idleMs)
  }
  await connection.send(END)
}

async function inTime(work: Promise<void>, waitMs: number): Promise<void> {
  const { promise, reject } = Promise.withResolvers<never>()
  const timer = setTimeout(
    () => reject(edgeError('RELAY_TOO_SLOW', 'the client did not read in time')),
    waitMs,
  )
  try {
    await Promise.race([work, promise])
  } finally {
    clearTimeout(timer)
  }
}

function invalid(message: string): Error {
  return serveError('WEBSOCKET_INVALID', message)
}
