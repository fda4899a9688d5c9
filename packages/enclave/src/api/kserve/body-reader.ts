import { ApiError } from '../openai/errors.ts'
import { malformed } from './json-reader.ts'

/** Reads a body from the front into buffers that are there already: nothing is held twice. */
export class BodyReader {
  private readonly source: ReadableStreamDefaultReader<Uint8Array> | undefined
  private pending = new Uint8Array(0)

  constructor(body: ReadableStream<Uint8Array> | null) {
    this.source = body?.getReader()
  }

  /** Fills `into` with the next bytes. @throws `API_INVALID` when the body ends before */
  async exactly(into: Uint8Array): Promise<Uint8Array> {
    for (let filled = 0; filled < into.length;) {
      if (this.pending.length === 0 && !(await this.more()))
        throw malformed('the body is shorter than its header and its binary data sizes say')
      const piece = this.pending.subarray(0, into.length - filled)
      into.set(piece, filled)
      filled += piece.length
      this.pending = this.pending.subarray(piece.length)
    }
    return into
  }

  /** Everything that is left; `hold` is told of every piece before the next is read. @throws `API_TOO_LARGE` */
  async rest(maxBytes: number, hold: (bytes: number) => void): Promise<Uint8Array> {
    const pieces: Uint8Array[] = []
    let length = 0
    while (this.pending.length > 0 || (await this.more())) {
      length += this.pending.length
      if (length > maxBytes)
        throw new ApiError(
          'API_TOO_LARGE',
          `the JSON of the request is larger than ${maxBytes} bytes; send large tensors as binary data`,
        )
      hold(this.pending.length)
      pieces.push(this.pending)
      this.pending = new Uint8Array(0)
    }
    return Buffer.concat(pieces, length)
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
