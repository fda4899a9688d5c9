import { audioError, cutShort } from './errors.ts'

/** The source is read in pieces of at most this many bytes, whatever size its chunks have. */
const PIECE_BYTES = 64 * 1024

/** Largest window a parser may ask for: the largest thing we must see whole is a FLAC frame. */
export const MAX_WINDOW_BYTES: number = 16 * 1024 * 1024

/**
 * Reads a stream of bytes through a window that grows only as far as a parser asks. The client
 * controls the bytes, where chunks begin, and when they end.
 */
export class ByteStream {
  readonly #source: AsyncIterator<Uint8Array>
  readonly #maxBytes: number
  #chunk = new Uint8Array(0)
  #store = new Uint8Array(0)
  #owned = false
  #start = 0
  #end = 0
  #received = 0
  #ended = false

  constructor(source: AsyncIterable<Uint8Array>, maxBytes: number) {
    this.#source = source[Symbol.asyncIterator]()
    this.#maxBytes = maxBytes
  }

  /** Bytes taken so far: the offset of the window in the file. */
  get position(): number {
    return this.#received - (this.#end - this.#start)
  }

  /** What is buffered and not yet taken. Valid until the next call of `ensure`, `take`, `skip` or `more`. */
  get window(): Uint8Array {
    return this.#store.subarray(this.#start, this.#end)
  }

  /** Buffers at least `length` bytes; false when the source ends before. @throws `AUDIO_TOO_LARGE` */
  async ensure(length: number): Promise<boolean> {
    if (length > MAX_WINDOW_BYTES) throw audioError('AUDIO_MALFORMED', 'one element of the file is too large')
    while (this.#end - this.#start < length) {
      if (!(await this.more())) return false
    }
    return true
  }

  /** Adds one piece to the window; false at the end of the source. */
  async more(): Promise<boolean> {
    const piece = await this.#nextPiece()
    if (!piece) return false
    const kept = this.#end - this.#start
    if (kept === 0) {
      this.#store = piece
      this.#owned = false
      this.#start = 0
      this.#end = piece.length
      return true
    }
    if (!this.#owned || this.#store.length < this.#end + piece.length) {
      // Twice the need, so that a source of one-byte chunks costs linear time.
      const grown = new Uint8Array(2 * (kept + piece.length))
      grown.set(this.window)
      this.#store = grown
      this.#owned = true
      this.#start = 0
      this.#end = kept
    }
    this.#store.set(piece, this.#end)
    this.#end += piece.length
    return true
  }

  /** Drops `length` bytes of the window. */
  consume(length: number): void {
    if (length > this.#end - this.#start) throw new RangeError('consumed more than is buffered')
    this.#start += length
  }

  /** Exactly `length` bytes, as a view with the life of the window. `what` names the element in the refusal. */
  async take(length: number, what: string): Promise<Uint8Array> {
    if (!(await this.ensure(length))) throw cutShort(what)
    const view = this.#store.subarray(this.#start, this.#start + length)
    this.#start += length
    return view
  }

  /** Passes over `length` bytes without keeping them. */
  async skip(length: number, what: string): Promise<void> {
    let left = length
    for (;;) {
      const step = Math.min(left, this.#end - this.#start)
      this.#start += step
      left -= step
      if (left === 0) return
      if (!(await this.more())) throw cutShort(what)
    }
  }

  /** Tells the source that nothing more will be read. */
  async close(): Promise<void> {
    this.#ended = true
    this.#chunk = this.#store = new Uint8Array(0)
    this.#start = this.#end = 0
    await this.#source.return?.()
  }

  async #nextPiece(): Promise<Uint8Array<ArrayBuffer> | undefined> {
    while (this.#chunk.length === 0) {
      if (this.#ended) return undefined
      const { done, value } = await this.#source.next()
      if (done) {
        this.#ended = true
        return undefined
      }
      this.#chunk = plainBytes(value)
    }
    const piece = this.#chunk.subarray(0, PIECE_BYTES)
    this.#chunk = this.#chunk.subarray(piece.length)
    this.#received += piece.length
    if (this.#received > this.#maxBytes) {
      throw audioError('AUDIO_TOO_LARGE', 'the audio file is too large', {
        expected: `at most ${this.#maxBytes} bytes`,
      })
    }
    return piece
  }
}

/** The same bytes without the Buffer class of Node, whose `slice` shares memory where everybody else's copies. */
export function plainBytes(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return new Uint8Array(bytes.buffer as ArrayBuffer, bytes.byteOffset, bytes.byteLength)
}
