import { concat, utf8 } from '@sotto/protocol/bytes'
import { engineError } from '../errors.ts'

/**
 * Frames between the host and one engine process, both ways over one socket:
 * `u32 length of the rest | u16 header length | header (JSON) | payload`, integers big-endian.
 * The host treats everything that arrives as written by an attacker: a model file may have taken the engine over.
 */

/** Payload bytes of one frame at most; larger items travel in several. */
export const MAX_FRAME_PAYLOAD = 256 * 1024
/** Header bytes at most: kind, stream and a short message. */
export const MAX_FRAME_HEADER = 4096
const MAX_FRAME = 2 + MAX_FRAME_HEADER + MAX_FRAME_PAYLOAD

/** `s` is the number of the stream (one call); control frames have none. */
export type FrameHeader =
  | { readonly k: 'load' | 'ready' }
  | { readonly k: 'failed'; readonly code: string; readonly message: string }
  | { readonly k: 'open'; readonly s: number; readonly op: string }
  /** `m: 1`: the item continues in the next data frame of this stream. */
  | { readonly k: 'data'; readonly s: number; readonly m?: 1 }
  | { readonly k: 'end' | 'cancel'; readonly s: number }
  | { readonly k: 'error'; readonly s: number; readonly code: string; readonly message: string }
  | { readonly k: 'credit'; readonly s: number; readonly n: number }

/** One parsed frame. */
export interface Frame {
  readonly header: FrameHeader
  readonly payload: Uint8Array
}

const NOTHING = new Uint8Array(0)

/** The bytes of a frame: a prefix to write first, and the payload unchanged. */
export function encodeFrame(header: FrameHeader, payload: Uint8Array = NOTHING): Uint8Array[] {
  const json = utf8(JSON.stringify(header))
  if (json.length > MAX_FRAME_HEADER || payload.length > MAX_FRAME_PAYLOAD)
    throw new RangeError('frame too large')
  const prefix = new Uint8Array(6 + json.length)
  const view = new DataView(prefix.buffer)
  view.setUint32(0, 2 + json.length + payload.length)
  view.setUint16(4, json.length)
  prefix.set(json, 6)
  return payload.length === 0 ? [prefix] : [prefix, payload]
}

/** Cuts a byte stream into frames. Holds at most one unfinished frame. */
export class FrameReader {
  private chunks: Uint8Array[] = []
  private length = 0

  /** The frames completed by this chunk. @throws `ENGINE_PROTOCOL` */
  push(chunk: Uint8Array): Frame[] {
    this.chunks.push(chunk)
    this.length += chunk.length
    const frames: Frame[] = []
    for (;;) {
      if (this.length < 4) return frames
      const prefix = this.peek(4)
      const size = new DataView(prefix.buffer, prefix.byteOffset, 4).getUint32(0)
      if (size < 2 || size > MAX_FRAME)
        throw engineError('ENGINE_PROTOCOL', 'frame length out of bounds', { found: `${size}` })
      if (this.length < 4 + size) return frames
      frames.push(parseFrame(this.take(4 + size).subarray(4)))
    }
  }

  /** Whether the stream stops inside a frame. */
  get midFrame(): boolean {
    return this.length > 0
  }

  private peek(count: number): Uint8Array {
    const first = this.chunks[0]!
    if (first.length >= count) return first
    this.chunks = [concat(...this.chunks)]
    return this.chunks[0]!
  }

  private take(count: number): Uint8Array {
    const whole = this.peek(count)
    this.length -= count
    if (whole.length === count) this.chunks.shift()
    else this.chunks[0] = whole.subarray(count)
    return whole.subarray(0, count)
  }
}

function parseFrame(bytes: Uint8Array): Frame {
  const headerLength = new DataView(bytes.buffer, bytes.byteOffset, 2).getUint16(0)
  if (headerLength > MAX_FRAME_HEADER || 2 + headerLength > bytes.length)
    throw malformed('frame header length out of bounds')
  let value: unknown
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes.subarray(2, 2 + headerLength)))
  } catch (cause) {
    throw engineError('ENGINE_PROTOCOL', 'frame header is not JSON', { cause })
  }
  const payload = bytes.subarray(2 + headerLength)
  if (payload.length > MAX_FRAME_PAYLOAD) throw malformed('frame payload out of bounds')
  return { header: parseHeader(value), payload }
}

function parseHeader(value: unknown): FrameHeader {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw malformed('frame header is not an object')
  const { k, s, op, m, n, code, message } = value as Record<string, unknown>
  if (k === 'load' || k === 'ready') return { k }
  if (k === 'failed') return { k, code: text(code), message: text(message) }
  const stream = integer(s)
  switch (k) {
    case 'open':
      return { k, s: stream, op: text(op) }
    case 'data':
      if (m !== undefined && m !== 1) throw malformed('frame flag out of range')
      return m === 1 ? { k, s: stream, m } : { k, s: stream }
    case 'end':
    case 'cancel':
      return { k, s: stream }
    case 'error':
      return { k, s: stream, code: text(code), message: text(message) }
    case 'credit':
      return { k, s: stream, n: integer(n) }
    default:
      throw malformed('unknown kind of frame')
  }
}

function text(value: unknown): string {
  if (typeof value !== 'string') throw malformed('frame field is not a string')
  return value
}

function integer(value: unknown): number {
  if (!Number.isSafeInteger(value) || (value as number) < 0)
    throw malformed('frame field is not a counting number')
  return value as number
}

function malformed(message: string): Error {
  return engineError('ENGINE_PROTOCOL', message)
}
