import { clientError } from '../errors.ts'

/** Header lines of one part; browsers and SDKs write about 200 bytes. */
const MAX_PART_HEAD_BYTES = 8192

const CRLF = Buffer.from('\r\n')
const HEAD_END = Buffer.from('\r\n\r\n')

/**
 * Streams a `multipart/form-data` body with one text field replaced: written first, and dropped where
 * it stood. Files pass through in the chunks they come in.
 * @throws `REQUEST_INVALID` when the form is malformed or ends early
 */
export async function* replaceFormField(
  source: AsyncIterable<Uint8Array>,
  boundary: string,
  name: string,
  value: string,
): AsyncGenerator<Uint8Array> {
  const open = Buffer.from(`--${boundary}\r\n`)
  const delimiter = Buffer.from(`\r\n--${boundary}`)
  const input = new Lookahead(source)
  yield Buffer.concat([
    open,
    Buffer.from(`Content-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`),
  ])
  // The first delimiter may stand at the very start, without a line break before it.
  input.unread(CRLF)
  for await (const preamble of input.until(delimiter)) void preamble
  for (;;) {
    if ((await input.take(2)).equals(Buffer.from('--'))) break
    input.unreadLast()
    const head = await input.takeThrough(HEAD_END, MAX_PART_HEAD_BYTES)
    const dropped = isTextField(head.toString('latin1'), name)
    if (!dropped) yield Buffer.concat([Buffer.from(`--${boundary}`), head])
    for await (const chunk of input.until(delimiter)) if (!dropped) yield chunk
    if (!dropped) yield CRLF
  }
  yield Buffer.from(`--${boundary}--\r\n`)
  await input.close()
}

function isTextField(head: string, name: string): boolean {
  const disposition = /^content-disposition:[^\r\n]*/im.exec(head)?.[0] ?? ''
  if (/;\s*filename\*?=/i.test(disposition)) return false
  return /;\s*name="?([^";]*)"?/i.exec(disposition)?.[1] === name
}

/** Reads up to marks that may straddle chunks, holding back no more than one mark's length. */
class Lookahead {
  readonly #source: AsyncIterator<Uint8Array>
  #buffer: Buffer = Buffer.alloc(0)
  #last: Buffer = Buffer.alloc(0)

  constructor(source: AsyncIterable<Uint8Array>) {
    this.#source = source[Symbol.asyncIterator]()
  }

  unread(bytes: Buffer): void {
    this.#buffer = Buffer.concat([bytes, this.#buffer])
  }

  unreadLast(): void {
    this.unread(this.#last)
  }

  /** Bytes before `mark`, which is consumed. */
  async *until(mark: Buffer): AsyncGenerator<Buffer> {
    for (;;) {
      const at = this.#buffer.indexOf(mark)
      const safe = at === -1 ? this.#buffer.length - mark.length + 1 : at
      if (safe > 0) yield this.#buffer.subarray(0, safe)
      if (at !== -1) {
        this.#buffer = this.#buffer.subarray(at + mark.length)
        return
      }
      if (safe > 0) this.#buffer = this.#buffer.subarray(safe)
      await this.#more()
    }
  }

  async take(length: number): Promise<Buffer> {
    while (this.#buffer.length < length) await this.#more()
    this.#last = this.#buffer.subarray(0, length)
    this.#buffer = this.#buffer.subarray(length)
    return this.#last
  }

  /** Bytes up to and with `mark`. */
  async takeThrough(mark: Buffer, maxBytes: number): Promise<Buffer> {
    for (;;) {
      const at = this.#buffer.indexOf(mark)
      if (at !== -1) return this.take(at + mark.length)
      if (this.#buffer.length > maxBytes)
        throw clientError('REQUEST_INVALID', 'a part of the form has too long a head')
      await this.#more()
    }
  }

  async close(): Promise<void> {
    await this.#source.return?.()
  }

  async #more(): Promise<void> {
    const { done, value } = await this.#source.next()
    if (done) throw clientError('REQUEST_INVALID', 'the form ends before its last boundary')
    // A view: a file passes through without being copied.
    const chunk = Buffer.from(value.buffer, value.byteOffset, value.length)
    this.#buffer = this.#buffer.length === 0 ? chunk : Buffer.concat([this.#buffer, chunk])
  }
}
