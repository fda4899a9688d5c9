import { serveError } from '@sotto/serve/errors'
import type { WebSocketConnection } from '@sotto/serve/websocket'
import { type ClientPaceLimits, startClientPace } from './pace.ts'

/** Subprotocol: one chunked-OHTTP exchange. See `docs/live.md` for its messages. */
export const SOCKET_PROTOCOL = 'sotto-ohttp'

/** The text message after the last piece of a direction. Without it, the stream was cut. */
const END = 'end'

/** Answer bytes on their way to a client that has not said that it read them. Browsers buffer without a bound. */
const WINDOW_BYTES = 1024 * 1024

/** What a client may have taken and not said yet: it says so in steps. */
const UNSAID_BYTES = 65_536

/** `read N`: the client has taken N bytes of the answer, in all. */
const READ = /^read ([1-9]\d{0,14})$/

/** What the client says over one connection. */
export interface ClientSide {
  /** The encapsulated request, piece by piece, as it is asked for. Fails where it was not said to be complete. */
  readonly body: ReadableStream<Uint8Array<ArrayBuffer>>
  /** Says before a piece of the answer is sent how many bytes it has. */
  willSend(bytes: number): void
  /** Settles when the client has read enough of the answer to be sent more. @throws `RELAY_TOO_SLOW`; when it is gone */
  hasRead(): Promise<void>
}

/** How slow a client may be. */
export interface ClientLimits {
  sending: ClientPaceLimits
  reading: ClientPaceLimits
}

/**
 * Takes the messages of a client apart: pieces of the request (binary, not empty), its end, and what was read of the
 * answer. The client controls all of them; anything else fails the request.
 */
export function socketRequest(connection: WebSocketConnection, limits: ClientLimits): ClientSide {
  const sending = startClientPace(limits.sending)
  const reading = startClientPace(limits.reading)
  reading.count(UNSAID_BYTES)
  let hasEnded = false
  let read = 0
  let sent = 0
  let wake: () => void = () => {}
  connection.gone.addEventListener('abort', () => wake(), { once: true })

  /** The next piece; undefined at the end. */
  async function next(isWanted: boolean): Promise<Uint8Array<ArrayBuffer> | undefined> {
    for (;;) {
      const coming = connection.receive()
      const message = await (isWanted ? sending.waitFor(coming) : coming)
      if (message.type === 'text' && READ.test(message.text)) {
        const upTo = Number(READ.exec(message.text)![1])
        if (upTo <= read || upTo > sent) throw invalid('the client read what was not sent')
        reading.count(upTo - read)
        read = upTo
        wake()
      } else if (hasEnded) throw invalid('the client sends on after its end')
      else if (message.type === 'binary' && message.bytes.length > 0) {
        sending.count(message.bytes.length)
        return message.bytes as Uint8Array<ArrayBuffer>
      } else if (message.type === 'text' && message.text === END) {
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
      for (;;) await next(false)
    } catch {
      if (!connection.gone.aborted) void connection.close(1002)
      wake()
    }
  }

  const body = new ReadableStream<Uint8Array<ArrayBuffer>>(
    {
      async pull(controller) {
        const piece = await next(true)
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
        await reading.waitFor(
          new Promise<void>((resolve) => {
            wake = resolve
          }),
        )
      }
    },
  }
}

/**
 * Sends the answer as it comes, then its end. Never faster than the client reads it.
 * @throws `RELAY_TOO_SLOW` for a client that reads nothing, or hardly anything; what the answer throws
 */
export async function writeAnswer(
  answer: ReadableStream<Uint8Array>,
  connection: WebSocketConnection,
  client: ClientSide,
): Promise<void> {
  for await (const piece of answer) {
    client.willSend(piece.length)
    await connection.send(piece)
    await client.hasRead()
  }
  await connection.send(END)
}

function invalid(message: string): Error {
  return serveError('WEBSOCKET_INVALID', message)
}
