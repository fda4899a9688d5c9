import { FIRST_BYTES, GrowingBytes } from '../../ram/growing-bytes.ts'
import { ApiError } from '../openai/errors.ts'
import { malformed } from './json-reader.ts'

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
    const read = new GrowingBytes(length, hold)
    read.reserve(Math.min(length, FIRST_BYTES))
    while (read.length < length) {
      if (this.pending.length === 0 && !(await this.more()))
        throw malformed('the body is shorter than its header and its binary data sizes say')
      const piece = this.pending.subarray(0, length - read.length)
      read.add(piece)
      this.pending = this.pending.subarray(piece.length)
    }
    return read.bytes()
  }

  /**
   * Everything that is left, in one array as {@link exactly}.
   * @throws `API_TOO_LARGE`, what `hold` throws
   */
  async rest(maxBytes: number, hold: (bytes: number) => void): Promise<Uint8Array> {
    const read = new GrowingBytes(maxBytes, hold)
    while (this.pending.length > 0 || (await this.more())) {
      if (read.length + this.pending.length > maxBytes)
        throw new ApiError(
          'API_TOO_LARGE',
          `the JSON of the request is larger than ${maxBytes} bytes; send large tensors as binary data`,
        )
      read.add(this.pending)
      this.pending = new Uint8Array(0)
    }
    return read.bytes()
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
