/**
 * Frames between a room and a process of its own, both ways over one socket: `u32 length of the rest | u8 kind | bytes`,
 * big-endian. Kind 0 is a message in JSON, kind 1 a piece of bytes. The room takes everything that comes as written by an
 * attacker: the process reads files of several parties.
 */

/** Bytes of one frame at most: a tree of the largest template fits. */
export const MAX_FRAME_BYTES: number = 32 * 1024 * 1024

/** A message, or a piece of bytes. */
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
  private readonly malformed: () => Error
  private chunks: Uint8Array[] = []
  private length = 0

  /** @param malformed what to throw for what is no frame */
  constructor(malformed: () => Error) {
    this.malformed = malformed
  }

  /** Frames that are complete with this chunk. @throws what `malformed` makes */
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
      if (size < 1 || size > MAX_FRAME_BYTES) throw this.malformed()
      if (this.length < 4 + size) return frames
      const whole = this.chunks.length === 1 ? first : Buffer.concat(this.chunks)
      this.chunks = [whole.subarray(4 + size)]
      this.length -= 4 + size
      frames.push(this.parse(whole[4]!, whole.subarray(PREFIX, 4 + size)))
    }
  }

  private parse(kind: number, bytes: Uint8Array): Frame {
    if (kind === PIECE) return { bytes }
    if (kind !== MESSAGE) throw this.malformed()
    try {
      return { message: JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)) }
    } catch {
      throw this.malformed()
    }
  }
}
