import { ApiError } from '../openai/errors.ts'
import { malformed } from './json-reader.ts'

/** Memory that is taken before any of the bytes for it have come. */
const FIRST_BYTES = 64 * 1024

/** Reads a body from the front. Memory follows what comes: whoever announces much and sends little takes little. */
export class BodyReader {
  private readonly source: ReadableStreamDefaultReader<Uint8Array> | undefined
  private pending = new Uint8Array(0)

  constructor(body: ReadableStream<Uint8Array> | null) {
    this.source = body?.getReader()
  }

  /**
   * The next `length` bytes, in an array that doubles as it fills; `hold` is told of all memory before it is allocated.
   * @throws `API_INVALID` when the body ends before, what `hold` throws
   */
  async exactly(length: number, hold: (bytes: number) => void): Promise<Uint8Array> {
    let buffer = new ArrayBuffer(0)
    const grow = (to: number): void => {
      hold(to - buffer.byteLength)
      // The old one is free at once.
      buffer = buffer.transfer(to)
    }
    grow(Math.min(length, FIRST_BYTES))
    for (let filled = 0; filled < length;) {
      if (this.pending.length === 0 && !(await this.more()))
        throw malformed('the body is shorter than its header and its binary data sizes say')
      if (filled === buffer.byteLength) grow(Math.min(length, 2 * filled))
      const piece = this.pending.subarray(0, buffer.byteLength - filled)
      new Uint8Array(buffer).set(piece, filled)
      filled += piece.length
      this.pending = this.pending.subarray(piece.length)
    }
    return new Uint8Array(buffer)
  }

  /**
   * Everything that is left, in one array as {@link exactly}: whoever sends it chooses the sizes of the pieces, so none of
   * them is kept. @throws `API_TOO_LARGE`, what `hold` throws
   */
  async rest(maxBytes: number, hold: (bytes: number) => void): Promise<Uint8Array> {
    let buffer = new ArrayBuffer(0)
    let length = 0
    while (this.pending.length > 0 || (await this.more())) {
      const needed = length + this.pending.length
      if (needed > maxBytes)
        throw new ApiError(
          'API_TOO_LARGE',
          `the JSON of the request is larger than ${maxBytes} bytes; send large tensors as binary data`,
        )
      if (needed > buffer.byteLength) {
        const to = Math.min(maxBytes, Math.max(needed, 2 * buffer.byteLength, FIRST_BYTES))
        hold(to - buffer.byteLength)
        buffer = buffer.transfer(to)
      }
      new Uint8Array(buffer).set(this.pending, length)
      length = needed
      this.pending = new Uint8Array(0)
    }
    return new Uint8Array(buffer, 0, length)
  }

  /** The body must be over. @throws `API_INVALID` */
  async end(): Promise<void> {
    if (this.pending.length > 0 || (await this.more()))
      throw malformed('the body is longer than its header and its binary data sizes say')
  }

  /** Gives up the rest. */
  async cancel(): Promise<void> {
    await this.source?.cancel().catch(() => undefined)
  }

  private async more(): Promise<boolean> {
    for (;;) {
      const { done, value } = (await this.source?.read()) ?? { done: true, value: undefined }
      if (done) return false
      if (value.length === 0) continue
      this.pending = value as Uint8Array<ArrayBuffer>
      return true
    }
  }
}
