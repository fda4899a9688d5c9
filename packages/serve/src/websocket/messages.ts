import { concat } from '@sotto/protocol/bytes'
import { webSocketError } from './errors.ts'
import { type CloseReason, type Frame, OPCODE, parseClose, parseText } from './frames.ts'

/** A whole message. */
export type Message =
  | { readonly type: 'binary'; readonly bytes: Uint8Array }
  | { readonly type: 'text'; readonly text: string }

/** What the frames of one sender say. */
export type Spoken =
  | Message
  | { readonly type: 'ping'; readonly payload: Uint8Array }
  | { readonly type: 'pong'; readonly payload: Uint8Array }
  | ({ readonly type: 'close' } & CloseReason)

/** Frames a message may be cut into: each costs some memory, however little it holds. */
const MAX_FRAGMENTS = 1024

/** Joins fragmented messages, between whose frames control frames may come (RFC 6455 Section 5.4). */
export class MessageReader {
  readonly #maxBytes: number
  #opcode: number | undefined
  #parts: Uint8Array[] = []
  #bytes = 0

  /** @param maxBytes of one message */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  /** True between messages. */
  get isAtBoundary(): boolean {
    return this.#opcode === undefined
  }

  /** What a frame completes; undefined while its message goes on. @throws `WEBSOCKET_INVALID`, `HTTP_BODY_TOO_LARGE` */
  take({ isFinal, opcode, payload }: Frame): Spoken | undefined {
    if (opcode === OPCODE.close) return { type: 'close', ...parseClose(payload) }
    if (opcode === OPCODE.ping) return { type: 'ping', payload }
    if (opcode === OPCODE.pong) return { type: 'pong', payload }
    const isContinued = this.#opcode !== undefined
    if (isContinued !== (opcode === OPCODE.continuation))
      throw webSocketError(
        'WEBSOCKET_INVALID',
        isContinued ? 'a message begins inside another' : 'a continuation continues nothing',
      )
    this.#opcode ??= opcode
    this.#bytes += payload.length
    if (this.#bytes > this.#maxBytes || this.#parts.length >= MAX_FRAGMENTS)
      throw webSocketError('HTTP_BODY_TOO_LARGE', 'a WebSocket message is too large')
    this.#parts.push(payload)
    if (!isFinal) return undefined
    const bytes = this.#parts.length === 1 ? payload : concat(...this.#parts)
    const isText = this.#opcode === OPCODE.text
    this.#opcode = undefined
    this.#parts = []
    this.#bytes = 0
    return isText ? { type: 'text', text: parseText(bytes) } : { type: 'binary', bytes }
  }
}
