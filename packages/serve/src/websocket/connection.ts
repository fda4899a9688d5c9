import type { Duplex } from 'node:stream'
import { utf8 } from '@sotto/protocol/bytes'
import { SottoError } from '@sotto/protocol/errors'
import { webSocketError } from './errors.ts'
import { type CloseReason, encodeClose, encodeFrame, FrameReader, OPCODE } from './frames.ts'
import { type Message, MessageReader } from './messages.ts'

/** Bounds of one connection. */
export interface WebSocketLimits {
  /** One message of the client, bytes. */
  maxMessageBytes: number
  /** A client that takes nothing for this long is cut, in milliseconds. */
  writeStallMs: number
  /** How often a silent client is asked whether it is still there; after two unanswered questions it is cut. */
  pingMs: number
}

/** How long the other side gets to answer a close frame, in milliseconds. */
const CLOSE_MS = 5_000

/**
 * The server's side of an open WebSocket (RFC 6455). Messages are read when they are asked for: while nobody asks, the
 * client's own connection fills up. What breaks the protocol closes it with 1002, what is too large with 1009.
 */
export class WebSocketConnection {
  /** Aborted when the connection is over; its reason is a `SottoError`. */
  readonly gone: AbortSignal
  readonly #socket: Duplex
  readonly #limits: WebSocketLimits
  readonly #frames: FrameReader
  readonly #messages: MessageReader
  readonly #gone = new AbortController()
  readonly #queue: Message[] = []
  #wake: () => void = () => {}
  #isClosing = false
  #unanswered = 0
  readonly #pinging: NodeJS.Timeout

  constructor(socket: Duplex, limits: WebSocketLimits) {
    this.#socket = socket
    this.#limits = limits
    this.gone = this.#gone.signal
    this.#frames = new FrameReader({ from: 'client', maxPayloadBytes: limits.maxMessageBytes })
    this.#messages = new MessageReader(limits.maxMessageBytes)
    this.#pinging = setInterval(() => this.#ping(), limits.pingMs)
    this.#pinging.unref()
    socket.on('data', (bytes: Uint8Array) => this.#take(bytes))
    socket.on('error', () => this.#leave())
    socket.on('end', () => this.#leave())
    socket.on('close', () => this.#leave())
  }

  /** The next message. @throws `HTTP_BODY_CUT` when the client has closed or gone, `WEBSOCKET_INVALID`, `HTTP_BODY_TOO_LARGE` */
  async receive(): Promise<Message> {
    for (;;) {
      const message = this.#queue.shift()
      if (message) return message
      this.gone.throwIfAborted()
      this.#socket.resume()
      await new Promise<void>((resolve) => (this.#wake = resolve))
    }
  }

  /** Sends a message; settles when the client may be sent more. @throws `HTTP_BODY_CUT` when it is gone or stalls */
  async send(data: Uint8Array | string): Promise<void> {
    const isText = typeof data === 'string'
    await this.#write(isText ? OPCODE.text : OPCODE.binary, isText ? utf8(data) : data)
  }

  /**
   * Closes: 1000 after everything was said, else a code that says why. Settles when the connection is gone.
   * @param reason at most 123 bytes; no word of anybody's data
   */
  async close(code: number, reason = ''): Promise<void> {
    this.#sendClose({ code, reason })
    if (this.#socket.destroyed) return
    await new Promise<void>((resolve) => this.#socket.once('close', resolve))
  }

  #take(bytes: Uint8Array): void {
    // After a failure nothing is read any more: the reader's state is that of the failure.
    if (this.gone.aborted) return
    try {
      for (const frame of this.#frames.push(bytes)) {
        const spoken = this.#messages.take(frame)
        // After a close frame nothing counts (Section 1.4).
        if (this.gone.aborted || spoken === undefined) continue
        if (spoken.type === 'close') this.#answerClose(spoken)
        else if (spoken.type === 'ping') this.#pong(spoken.payload)
        else if (spoken.type === 'pong') this.#unanswered = 0
        else if (!this.#isClosing) this.#queue.push(spoken)
      }
    } catch (error) {
      this.#fail(error)
    }
    // Not before somebody asks again. A connection that is being closed is read for its close frame.
    if (this.#queue.length > 0) this.#socket.pause()
    this.#wake()
  }

  #answerClose({ code }: CloseReason): void {
    this.#sendClose({ code, reason: '' })
    this.#over('the client closed the connection')
    this.#socket.end()
  }

  #fail(error: unknown): void {
    const code = error instanceof SottoError && error.code === 'HTTP_BODY_TOO_LARGE' ? 1009 : 1002
    this.#sendClose({ code, reason: '' })
    this.#queue.length = 0
    if (!this.gone.aborted) this.#gone.abort(error)
    this.#socket.end()
  }

  #sendClose(reason: CloseReason): void {
    if (this.#isClosing || this.#socket.destroyed) return
    this.#isClosing = true
    this.#socket.resume()
    this.#socket.write(encodeFrame({ isFinal: true, opcode: OPCODE.close, payload: encodeClose(reason) }))
    setTimeout(() => this.#socket.destroy(), CLOSE_MS).unref()
  }

  /** A ping while nothing may be written is not answered: the client sees to its own flood. */
  #pong(payload: Uint8Array): void {
    if (this.#isClosing || this.#socket.writableNeedDrain) return
    this.#socket.write(encodeFrame({ isFinal: true, opcode: OPCODE.pong, payload }))
  }

  #ping(): void {
    // What is not read cannot be heard: a client we made wait is not asked.
    if (this.#isClosing || this.#socket.isPaused() || this.#socket.writableNeedDrain) return
    if (this.#unanswered++ >= 2) this.#socket.destroy()
    else this.#socket.write(encodeFrame({ isFinal: true, opcode: OPCODE.ping, payload: new Uint8Array(0) }))
  }

  async #write(opcode: number, payload: Uint8Array): Promise<void> {
    this.gone.throwIfAborted()
    if (this.#isClosing) throw webSocketError('HTTP_BODY_CUT', 'the connection is being closed')
    if (this.#socket.write(encodeFrame({ isFinal: true, opcode, payload }))) return
    const stalled = setTimeout(() => this.#socket.destroy(), this.#limits.writeStallMs)
    const over = new AbortController()
    try {
      await new Promise<void>((resolve) => {
        const goOn = (): void => resolve()
        this.#socket.once('drain', goOn)
        // A connection that often makes us wait must not gather listeners.
        this.gone.addEventListener('abort', goOn, { once: true, signal: over.signal })
      })
    } finally {
      over.abort()
      clearTimeout(stalled)
    }
    this.gone.throwIfAborted()
  }

  #leave(): void {
    clearInterval(this.#pinging)
    this.#over('the client left')
    this.#socket.destroy()
  }

  #over(why: string): void {
    if (!this.gone.aborted) this.#gone.abort(webSocketError('HTTP_BODY_CUT', why))
    this.#wake()
  }
}
