/**
 * Frames between a room and the process of one query, both ways over one socket: `u32 length of the rest | u8 kind | bytes`,
 * big-endian. Kind 0 is a message in JSON, kind 1 a piece of a result. The room takes everything that comes as written by an
 * attacker: the process read files of several parties.
 */
import { roomSqlError } from './errors.ts'

/** Bytes of one frame at most: a tree of the largest template fits. */
export const MAX_FRAME_BYTES: number = 32 * 1024 * 1024

/** A message, or a piece of a result. */
export type Frame = { readonly message: unknown } | { readonly bytes: Uint8Array }

const MESSAGE = 0
const PIECE = 1
const PREFIX = 5

export function encodeMessage(message: unknown): Uint8Array {
  return encode(MESSAGE, Buffer.from(JSON.stringify(message)))
}

export function encodePiece(bytes: Uint8Array): Uint8Array {
  return encode(PIECE, bytes)
}

function encode(kind: number, bytes: Uint8Array): Uint8Array {
  if (bytes.length + 1 > MAX_FRAME_BYTES) throw new RangeError('frame too large')
  const frame = Buffer.alloc(PREFIX + bytes.length)
  frame.writeUInt32BE(1 + bytes.length)
  frame[4] = kind
  frame.set(bytes, PREFIX)
  return frame
}

/** Cuts a stream into frames. Holds at most one that is unfinished. */
export class FrameReader {
  private chunks: Uint8Array[] = []
  private length = 0

  /** Frames that are complete with this chunk. @throws `ROOM_SQL_CRASHED` */
  push(chunk: Uint8Array): Frame[] {
    this.chunks.push(chunk)
    this.length += chunk.length
    const frames: Frame[] = []
    for (;;) {
      if (this.length < PREFIX) return frames
      // Joined once the whole frame is there, and not with each piece of it.
      if (this.chunks[0]!.length < PREFIX) this.chunks = [Buffer.concat(this.chunks)]
      const first = this.chunks[0]!
      const size = new DataView(first.buffer, first.byteOffset).getUint32(0)
      if (size < 1 || size > MAX_FRAME_BYTES) throw malformed()
      if (this.length < 4 + size) return frames
      const whole = this.chunks.length === 1 ? first : Buffer.concat(this.chunks)
      this.chunks = [whole.subarray(4 + size)]
      this.length -= 4 + size
      frames.push(parseFrame(whole[4]!, whole.subarray(PREFIX, 4 + size)))
    }
  }
}

function parseFrame(kind: number, bytes: Uint8Array): Frame {
  if (kind === PIECE) return { bytes }
  if (kind !== MESSAGE) throw malformed()
  try {
    return { message: JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)) }
  } catch {
    throw malformed()
  }
}

function malformed(): Error {
  return roomSqlError('ROOM_SQL_CRASHED', 'the process sent something malformed')
}
