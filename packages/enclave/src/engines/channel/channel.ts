import type { Duplex } from 'node:stream'
import { engineError } from '../errors.ts'
import { encodeFrame, type FrameHeader, FrameReader } from './frame.ts'
import { DEFAULT_MAX_ITEM_BYTES } from './item.ts'
import { ChannelStream } from './stream.ts'

/** What the owner of a channel is told. Handlers must not throw. */
export interface ChannelHandlers {
  /** The other side opened a stream (in the engine: a call). Absent: opening is a protocol error. */
  onOpen?(stream: ChannelStream): void
  /** A control frame: `load`, `ready` or `failed`. */
  onControl(header: FrameHeader, payload: Uint8Array): void
  /** Once, when the socket is gone or the other side broke the protocol; just before every stream fails. */
  onClose(reason: Error): void
}

/** Streams open at once at most; a bound against an engine that opens what it should not, and on our own bugs. */
const MAX_STREAMS = 1024

/** Many concurrent calls over one socket, each with its own flow control, so that one slow reader holds up nobody. */
export class Channel {
  readonly maxItemBytes: number
  private readonly socket: Duplex
  private readonly handlers: ChannelHandlers
  private readonly reader = new FrameReader()
  private readonly streams = new Map<number, ChannelStream>()
  private lastStream = 0
  private closed: Error | undefined
  private drained: Promise<void> | undefined

  constructor(socket: Duplex, handlers: ChannelHandlers, maxItemBytes: number = DEFAULT_MAX_ITEM_BYTES) {
    this.socket = socket
    this.handlers = handlers
    this.maxItemBytes = maxItemBytes
    socket.on('data', (chunk: Uint8Array) => this.receive(chunk))
    socket.on('error', () => this.close(gone()))
    socket.on('close', () => this.close(gone()))
    socket.on('end', () => this.close(gone()))
  }

  /** Opens a stream for one call. */
  open(operation: string): ChannelStream {
    if (this.closed) throw this.closed
    const stream = new ChannelStream(this, ++this.lastStream, operation)
    this.streams.set(stream.id, stream)
    void this.write({ k: 'open', s: stream.id, op: operation })
    return stream
  }

  /** Hands one frame to the socket; resolves when the socket wants more. Never rejects: a closed channel drops it. */
  async write(header: FrameHeader, payload?: Uint8Array): Promise<void> {
    if (this.closed) return
    let flowing = true
    this.socket.cork()
    for (const part of encodeFrame(header, payload)) flowing = this.socket.write(part)
    this.socket.uncork()
    if (flowing) return
    this.drained ??= new Promise((resolve) => {
      const settle = (): void => {
        this.drained = undefined
        this.socket.off('drain', settle)
        this.socket.off('close', settle)
        resolve()
      }
      this.socket.on('drain', settle)
      this.socket.on('close', settle)
    })
    await this.drained
  }

  /** Fails every stream and destroys the socket. */
  close(reason: Error): void {
    if (this.closed) return
    this.closed = reason
    this.handlers.onClose(reason)
    for (const stream of this.streams.values()) stream.close(reason)
    this.streams.clear()
    this.socket.destroy()
  }

  /** Called by a stream when both directions are over. */
  forget(id: number): void {
    this.streams.delete(id)
  }

  private receive(chunk: Uint8Array): void {
    if (this.closed) return
    try {
      for (const { header, payload } of this.reader.push(chunk)) {
        this.dispatch(header, payload)
        if (this.closed) return
      }
    } catch (error) {
      this.close(error instanceof Error ? error : gone())
    }
  }

  private dispatch(header: FrameHeader, payload: Uint8Array): void {
    switch (header.k) {
      case 'load':
      case 'ready':
      case 'failed':
        return this.handlers.onControl(header, payload)
      case 'open': {
        const { onOpen } = this.handlers
        if (!onOpen || header.s <= this.lastStream || this.streams.size >= MAX_STREAMS) {
          throw engineError('ENGINE_PROTOCOL', 'stream may not be opened')
        }
        this.lastStream = header.s
        const stream = new ChannelStream(this, header.s, header.op)
        this.streams.set(stream.id, stream)
        return onOpen.call(this.handlers, stream)
      }
      default: {
        const stream = this.streams.get(header.s)
        if (stream) return stream.receive(header, payload)
        // Frames may cross on the way with the end of their stream; those of a stream never opened may not.
        if (header.s > this.lastStream) throw engineError('ENGINE_PROTOCOL', 'frame of a stream never opened')
      }
    }
  }
}

function gone(): Error {
  return engineError('ENGINE_CRASHED', 'the engine process ended')
}
