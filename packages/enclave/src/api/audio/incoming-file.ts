import type { Readable } from 'node:stream'
import { ApiError } from '../openai/errors.ts'

/** Room outside the heap for recordings whose fields are still to come. Bounded in number and in bytes. */
export interface WaitingRoom {
  /** Undefined when every place is taken. */
  open(): WaitingFile | undefined
}

/** One recording that waits. It is in memory, but in nobody's heap. */
export interface WaitingFile {
  /** False when there is no room for these bytes; the file is of no use then. */
  append(bytes: Uint8Array): boolean
  /** Some bytes from `position` on; none at the end. */
  read(position: number): Uint8Array
  /** Frees it; a second time does nothing. */
  close(): void
}

/** Held in the heap of each upload; what is larger waits in the room, or goes on as it comes. */
export const MAX_HELD_BYTES: number = 1024 * 1024

/**
 * The file of a form while it arrives. With a room it is taken in whole, as fast as it comes. Without
 * one, only its beginning is held, and the rest goes on at the pace of whoever reads.
 */
export class IncomingFile {
  readonly #room: WaitingRoom | undefined
  readonly #stopSender: () => void
  #stream: Readable | undefined
  #held: Uint8Array[] = []
  #heldBytes = 0
  #waiting: WaitingFile | undefined
  #isEnded = false
  #failure: { error: unknown } | undefined
  #isReading = false
  #wake: () => void = () => {}

  /** `stopSender` is called when the rest of the form is not wanted any more. */
  constructor(room: WaitingRoom | undefined, stopSender: () => void) {
    this.#room = room
    this.#stopSender = stopSender
  }

  /** Whether the form has a file at all. */
  get isThere(): boolean {
    return this.#stream !== undefined
  }

  /** The part of the form that carries it. */
  take(stream: Readable): void {
    this.#stream = stream
    this.#wake()
    stream.on('data', (chunk: Uint8Array) => {
      if (this.#failure) return
      const isFull = this.#waiting !== undefined || this.#heldBytes + chunk.length > MAX_HELD_BYTES
      if (this.#room && isFull) this.#append(this.#room, chunk)
      else this.#hold(chunk)
      this.#wake()
    })
  }

  /** The form is complete. */
  finish(): void {
    this.#isEnded = true
    this.#wake()
  }

  /** The form is of no use; the first reason counts. */
  fail(error: unknown): void {
    this.#failure ??= { error }
    this.#wake()
  }

  /** Waits until the form is complete; without a room, until the file begins: all fields are known then. */
  async ready(): Promise<void> {
    const isBegun = (): boolean => this.#room === undefined && this.isThere
    while (!this.#isEnded && !this.#failure && !isBegun()) await this.#change()
    if (this.#failure) throw this.#failure.error
  }

  /** The bytes, once; freed as soon as the loop is left. Throws why the form is of no use. */
  async *read(): AsyncGenerator<Uint8Array, void> {
    this.#isReading = true
    let position = 0
    try {
      for (;;) {
        if (this.#failure) throw this.#failure.error
        const chunk = this.#held.shift()
        if (chunk) {
          this.#heldBytes -= chunk.length
          yield chunk
        } else if (this.#waiting) {
          const piece = this.#waiting.read(position)
          if (piece.length === 0) return
          position += piece.length
          yield piece
        } else if (this.#isEnded) return
        else {
          this.#stream?.resume()
          await this.#change()
        }
      }
    } finally {
      this.discard()
    }
  }

  /** Frees what is held and stops the sender. At any moment, any number of times. */
  discard(): void {
    this.#failure ??= { error: new Error('the recording is not there any more') }
    this.#held = []
    this.#waiting?.close()
    if (!this.#isEnded) this.#stopSender()
    this.#wake()
  }

  #hold(chunk: Uint8Array): void {
    this.#held.push(chunk)
    this.#heldBytes += chunk.length
    if (!this.#room && this.#heldBytes > (this.#isReading ? 0 : MAX_HELD_BYTES)) this.#stream?.pause()
  }

  #append(room: WaitingRoom, chunk: Uint8Array): void {
    this.#waiting ??= room.open()
    if (this.#waiting?.append(chunk)) return
    this.fail(
      new ApiError('API_BUSY', 'too many large recordings wait for fields that come after them', 'file'),
    )
  }

  #change(): Promise<void> {
    return new Promise((resolve) => (this.#wake = resolve))
  }
}
