import { concat, fromUtf8, utf8 } from '@sotto/protocol/bytes'
import { webSocketError } from './errors.ts'

/** Opcodes of RFC 6455 Section 5.2; all others are reserved. */
export const OPCODE = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const

/** Bytes a control frame may carry (Section 5.5). */
export const MAX_CONTROL_BYTES = 125

const KNOWN: ReadonlySet<number> = new Set(Object.values(OPCODE))

/** One frame of the base framing protocol, unmasked. */
export interface Frame {
  /** The last one of its message. */
  readonly isFinal: boolean
  readonly opcode: number
  readonly payload: Uint8Array
}

/** What a {@link FrameReader} takes. */
export interface FrameReaderOptions {
  /** Who sends: clients have to mask, servers must not (Section 5.1). */
  readonly from: 'client' | 'server'
  /** Payload of one frame, bytes. Refused before anything of it is held. */
  readonly maxPayloadBytes: number
}

/**
 * Reads frames from a byte stream cut anywhere. The sender controls every byte: reserved bits and opcodes, lengths
 * that are not minimal, wrong masking and fragmented control frames are refused. Holds at most one frame.
 */
export class FrameReader {
  readonly #isMasked: boolean
  readonly #maxPayloadBytes: number
  #head: Uint8Array = new Uint8Array(0)
  #frame: { isFinal: boolean; opcode: number; mask: Uint8Array | undefined } | undefined
  #payload: Uint8Array = new Uint8Array(0)
  #filled = 0

  constructor({ from, maxPayloadBytes }: FrameReaderOptions) {
    this.#isMasked = from === 'client'
    this.#maxPayloadBytes = maxPayloadBytes
  }

  /** True between frames: where a stream may end. */
  get isAtBoundary(): boolean {
    return this.#frame === undefined && this.#head.length === 0
  }

  /** The frames that these bytes complete. @throws `WEBSOCKET_INVALID`, `HTTP_BODY_TOO_LARGE` */
  push(bytes: Uint8Array): Frame[] {
    const frames: Frame[] = []
    let rest = bytes
    for (;;) {
      if (this.#frame === undefined) {
        const needed = headLength(this.#head.length > 0 ? this.#head : rest)
        // At most 14 bytes are ever joined.
        const taken = rest.subarray(0, Math.max(0, needed - this.#head.length))
        this.#head = concat(this.#head, taken)
        rest = rest.subarray(taken.length)
        if (this.#head.length < 2 || this.#head.length < headLength(this.#head)) {
          if (rest.length === 0) return frames
          continue
        }
        this.#open()
      }
      const part = rest.subarray(0, this.#payload.length - this.#filled)
      this.#payload.set(part, this.#filled)
      this.#filled += part.length
      rest = rest.subarray(part.length)
      if (this.#filled < this.#payload.length) return frames
      frames.push(this.#finish())
    }
  }

  #open(): void {
    const head = this.#head
    const opcode = head[0]! & 0x0f
    const isFinal = (head[0]! & 0x80) !== 0
    if ((head[0]! & 0x70) !== 0) throw invalid('a reserved bit is set: no extension was agreed on')
    if (!KNOWN.has(opcode)) throw invalid('the opcode is reserved')
    if (((head[1]! & 0x80) !== 0) !== this.#isMasked)
      throw invalid(
        this.#isMasked ? 'a frame of the client is not masked' : 'a frame of the server is masked',
      )
    const length = payloadLength(head)
    if (opcode >= OPCODE.close && (length > MAX_CONTROL_BYTES || !isFinal))
      throw invalid('a control frame is too long or fragmented')
    if (length > this.#maxPayloadBytes)
      throw webSocketError('HTTP_BODY_TOO_LARGE', 'a WebSocket frame is too large')
    this.#frame = { isFinal, opcode, mask: this.#isMasked ? head.slice(-4) : undefined }
    this.#payload = new Uint8Array(length)
    this.#filled = 0
    this.#head = new Uint8Array(0)
  }

  #finish(): Frame {
    const { isFinal, opcode, mask } = this.#frame!
    const payload = this.#payload
    if (mask) applyMask(payload, mask)
    this.#frame = undefined
    this.#payload = new Uint8Array(0)
    return { isFinal, opcode, payload }
  }
}

/** Bytes of the header, as far as it can be told: 2 until the second byte is there. */
function headLength(head: Uint8Array): number {
  if (head.length < 2) return 2
  const short = head[1]! & 0x7f
  return 2 + (short === 126 ? 2 : short === 127 ? 8 : 0) + ((head[1]! & 0x80) === 0 ? 0 : 4)
}

function payloadLength(head: Uint8Array): number {
  const short = head[1]! & 0x7f
  const view = new DataView(head.buffer, head.byteOffset)
  if (short < 126) return short
  if (short === 126) {
    const length = view.getUint16(2)
    if (length < 126) throw invalid('the length is not minimal')
    return length
  }
  const length = view.getBigUint64(2)
  if (length > 0x7fff_ffff_ffff_ffffn) throw invalid('the length has its highest bit set')
  if (length < 0x1_0000n) throw invalid('the length is not minimal')
  // A double cannot hold every one of them exactly, and all of those are too large anyway.
  return Number(length)
}

function applyMask(payload: Uint8Array, mask: Uint8Array): void {
  for (let i = 0; i < payload.length; i++) payload[i]! ^= mask[i & 3]!
}

/** @param mask four bytes, for what a client sends; a server masks nothing */
export function encodeFrame({ isFinal, opcode, payload }: Frame, mask?: Uint8Array): Uint8Array<ArrayBuffer> {
  const { length } = payload
  const extended = length < 126 ? 0 : length < 0x1_0000 ? 2 : 8
  const at = 2 + extended + (mask ? 4 : 0)
  const bytes = new Uint8Array(at + length)
  const view = new DataView(bytes.buffer)
  bytes[0] = (isFinal ? 0x80 : 0) | opcode
  bytes[1] = (mask ? 0x80 : 0) | (extended === 0 ? length : extended === 2 ? 126 : 127)
  if (extended === 2) view.setUint16(2, length)
  if (extended === 8) view.setBigUint64(2, BigInt(length))
  bytes.set(payload, at)
  if (mask) {
    bytes.set(mask, at - 4)
    applyMask(bytes.subarray(at), mask)
  }
  return bytes
}

/** What a close frame says; 1005 where it says nothing (Section 7.1.5). */
export interface CloseReason {
  readonly code: number
  readonly reason: string
}

/** Reads the payload of a close frame (Sections 5.5.1 and 7.4). @throws `WEBSOCKET_INVALID` */
export function parseClose(payload: Uint8Array): CloseReason {
  if (payload.length === 0) return { code: 1005, reason: '' }
  if (payload.length === 1) throw invalid('a close frame has half a code')
  const code = (payload[0]! << 8) | payload[1]!
  if (!isSendable(code)) throw invalid('a close frame has a code that is never sent')
  return { code, reason: parseText(payload.subarray(2)) }
}

/** @param reason at most 123 bytes */
export function encodeClose({ code, reason }: CloseReason): Uint8Array {
  return code === 1005 ? new Uint8Array(0) : concat(Uint8Array.of(code >> 8, code & 0xff), utf8(reason))
}

/** Codes of RFC 6455 and its registry that may travel, and those for libraries and applications. */
function isSendable(code: number): boolean {
  return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) || (code >= 3000 && code <= 4999)
}

/** @throws `WEBSOCKET_INVALID` for bytes that are not UTF-8 (Section 8.1) */
export function parseText(payload: Uint8Array): string {
  try {
    return fromUtf8(payload)
  } catch {
    throw invalid('a text is not UTF-8')
  }
}

function invalid(message: string): Error {
  return webSocketError('WEBSOCKET_INVALID', message)
}
