import { concat } from '@sotto/protocol/bytes'
import { audioError, isAudioErrorCode } from '../../audio/errors.ts'
import { engineError, isEngineErrorCode } from '../errors.ts'
import type { FrameHeader } from './frame.ts'
import { MAX_FRAME_PAYLOAD } from './frame.ts'
import { decodeItem, encodeItem, type Item, MAX_BLOBS } from './item.ts'

/** Bytes a sender may have under way on one stream before the receiver took them: the bound on buffering. */
export const WINDOW: number = 1024 * 1024
/** Added to the cost of every frame, so that a flood of empty items is bounded as well. */
const FRAME_COST = 64
/** Credit is returned in portions, not once for every token. */
const CREDIT_PORTION = WINDOW / 4
/** Bytes the pieces of one item have on average, at least. */
const LEAST_PIECE = 1024
/** Characters of a message from an engine that are passed on. */
const MAX_MESSAGE = 300

/** What a stream needs of its channel. */
export interface StreamOwner {
  readonly maxItemBytes: number
  write(header: FrameHeader, payload?: Uint8Array): Promise<void>
  forget(id: number): void
}

interface Received {
  readonly item: Item
  readonly cost: number
}

/** One call: items out, items in, each direction ended on its own, with a window of credit each way. */
export class ChannelStream {
  readonly id: number
  readonly operation: string
  private readonly owner: StreamOwner
  private credit = WINDOW
  private owed = 0
  private outstanding = 0
  private received = 0
  private pieces: Uint8Array[] = []
  private piecesLength = 0
  private readonly queue: Received[] = []
  private sentEnd = false
  private sendingStopped = false
  private receivedEnd = false
  private failure: Error | undefined
  private wakeReader: (() => void) | undefined
  private wakeWriter: (() => void) | undefined
  private readonly abort = new AbortController()
  /** Told on every frame and every item taken: the watchdog's clock. */
  onProgress: (() => void) | undefined
  /** Told once, when the other side ended, failed or vanished. */
  onSettled: (() => void) | undefined

  constructor(owner: StreamOwner, id: number, operation: string) {
    this.owner = owner
    this.id = id
    this.operation = operation
  }

  /** Aborts when the caller cancelled or the channel closed. For the engine's side. */
  get cancelled(): AbortSignal {
    return this.abort.signal
  }

  /** The other side ended, failed or vanished. */
  get isSettled(): boolean {
    return this.receivedEnd || this.failure !== undefined
  }

  /** Bytes that have come on this stream in all, frames counted. */
  get receivedBytes(): number {
    return this.received
  }

  /** It ended with an error. */
  get failed(): boolean {
    return this.failure !== undefined
  }

  /** Whether it is the other side's turn: our input is complete or it does not read it, and we do read its output. */
  get isOtherSidesTurn(): boolean {
    return !this.isSettled && this.queue.length === 0 && (this.sentEnd || this.wakeWriter !== undefined)
  }

  /** Sends one item; resolves when the window allows the next. Only one send at a time. @throws what ended the stream */
  async send(item: Item): Promise<void> {
    const pieces = [...encodeItem(item)]
    for (const [index, piece] of pieces.entries()) {
      while (this.credit <= 0 && !this.isOver && !this.sendingStopped) {
        await new Promise<void>((resolve) => {
          this.wakeWriter = resolve
        })
        this.wakeWriter = undefined
      }
      if (this.isOver || this.sendingStopped) throw this.reason()
      this.credit -= piece.length + FRAME_COST
      const header: FrameHeader =
        index < pieces.length - 1 ? { k: 'data', s: this.id, m: 1 } : { k: 'data', s: this.id }
      await this.owner.write(header, piece)
    }
  }

  /** No more items from this side. */
  end(): void {
    if (this.sentEnd || this.failure) return
    this.sentEnd = true
    void this.owner.write({ k: 'end', s: this.id })
    this.retire()
  }

  /** Ends this side with an error; for the engine's side. */
  fail(code: string, message: string): void {
    if (this.sentEnd || this.failure) return
    this.sentEnd = true
    void this.owner.write({ k: 'error', s: this.id, code, message: message.slice(0, MAX_MESSAGE) })
    this.owner.forget(this.id)
    this.close(engineError('ENGINE_CANCELLED', 'the call is over'))
  }

  /** Gives up sending, because the engine ended without reading the rest. A waiting send throws. */
  stopSending(): void {
    this.sendingStopped = true
    this.wakeWriter?.()
  }

  /** Asks the engine to stop; for the host's side. The stream settles when the engine answers. */
  cancel(): void {
    void this.owner.write({ k: 'cancel', s: this.id })
  }

  /** The channel is gone, or this stream is to be dropped. */
  close(reason: Error): void {
    if (this.failure) return
    this.failure = reason
    this.abort.abort(reason)
    this.wake()
    if (!this.receivedEnd) this.onSettled?.()
  }

  /** The next item, or undefined after the end. What arrived before a failure is delivered first. @throws what ended the stream */
  async next(): Promise<Item | undefined> {
    for (;;) {
      const received = this.queue.shift()
      if (received) {
        this.giveBack(received.cost)
        this.onProgress?.()
        return received.item
      }
      if (this.isOver) throw this.reason()
      if (this.receivedEnd) return undefined
      await new Promise<void>((resolve) => {
        this.wakeReader = resolve
      })
    }
  }

  /** Takes a frame from the channel. @throws `ENGINE_PROTOCOL` */
  receive(header: FrameHeader, payload: Uint8Array): void {
    this.onProgress?.()
    switch (header.k) {
      case 'data':
        this.receiveData(payload, header.m === 1)
        break
      case 'credit':
        this.credit += header.n
        if (this.credit > WINDOW) throw engineError('ENGINE_PROTOCOL', 'more credit than was used')
        break
      case 'cancel':
        this.abort.abort(engineError('ENGINE_CANCELLED', 'the caller cancelled'))
        break
      case 'end':
        if (this.pieces.length > 0) throw engineError('ENGINE_PROTOCOL', 'stream ends inside an item')
        this.receivedEnd = true
        this.onSettled?.()
        this.retire()
        break
      case 'error':
        this.owner.forget(this.id)
        this.close(errorFromEngine(header.code, header.message))
        break
      default:
        throw engineError('ENGINE_PROTOCOL', 'frame does not belong to a stream')
    }
    this.wake()
  }

  private get isOver(): boolean {
    return this.failure !== undefined || this.abort.signal.aborted
  }

  private reason(): Error {
    return this.failure ?? engineError('ENGINE_CANCELLED', 'the caller cancelled')
  }

  private receiveData(payload: Uint8Array, more: boolean): void {
    if (this.receivedEnd) throw engineError('ENGINE_PROTOCOL', 'data after the end of a stream')
    const cost = payload.length + FRAME_COST
    this.outstanding += cost
    this.received += cost
    if (this.outstanding > WINDOW + MAX_FRAME_PAYLOAD + FRAME_COST) {
      throw engineError('ENGINE_PROTOCOL', 'more data than the window allows')
    }
    this.piecesLength += payload.length
    const { maxItemBytes } = this.owner
    // Pieces without a byte would pile up for ever; honest ones are full but for the last of each blob.
    const isCrumbled = this.pieces.length > maxItemBytes / LEAST_PIECE + 2 * MAX_BLOBS
    if (this.piecesLength > maxItemBytes || isCrumbled)
      throw engineError('ENGINE_PROTOCOL', 'item is too large')
    this.pieces.push(payload)
    if (more) return this.giveBack(cost)
    // One piece may be a view into a larger read buffer: copy it, so that a queued token does not hold 64 KiB.
    const bytes = concat(...this.pieces)
    this.pieces = []
    this.piecesLength = 0
    if (this.failure) return
    this.queue.push({ item: decodeItem(bytes), cost })
  }

  private giveBack(cost: number): void {
    this.owed += cost
    if (this.owed < CREDIT_PORTION || this.receivedEnd || this.failure) return
    this.outstanding -= this.owed
    void this.owner.write({ k: 'credit', s: this.id, n: this.owed })
    this.owed = 0
  }

  private retire(): void {
    if (this.sentEnd && this.receivedEnd) this.owner.forget(this.id)
  }

  private wake(): void {
    this.wakeReader?.()
    this.wakeReader = undefined
    this.wakeWriter?.()
  }
}

/** The engine's words pass only as a known code with a bounded message; anything else is a bare failure. */
function errorFromEngine(code: string, message: string): Error {
  if (isAudioErrorCode(code)) return audioError(code, message)
  if (!isEngineErrorCode(code)) return engineError('ENGINE_FAILED', 'the engine failed')
  return engineError(code, message.slice(0, MAX_MESSAGE))
}
