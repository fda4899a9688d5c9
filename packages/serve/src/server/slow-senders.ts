import type { IncomingMessage } from 'node:http'

/** How slow a sender may be. */
export interface SenderLimits {
  /** A body that brings nothing for this long is cut. */
  idleMs: number
  /** Average a body must keep after `graceMs`; 0 allows trickling bodies such as live audio. */
  minBytesPerSecond: number
  graceMs: number
}

interface Watched {
  startedAt: number
  startBytes: number
  lastBytes: number
  lastProgressAt: number
  /** Time during which it was us who did not read. */
  pausedMs: number
}

/**
 * Cuts connections whose request body dribbles (slowloris). Costs nothing per chunk: byte counters
 * of the sockets are sampled. Time in which the app reads nothing is not held against the sender.
 */
export class SlowSenders {
  private readonly limits: SenderLimits
  private readonly now: () => number
  private readonly watched = new Map<IncomingMessage, Watched>()
  private lastSampleAt: number

  constructor(limits: SenderLimits, now: () => number = () => performance.now()) {
    this.limits = limits
    this.now = now
    this.lastSampleAt = now()
  }

  watch(incoming: IncomingMessage): void {
    const bytes = incoming.socket.bytesRead
    const time = this.now()
    this.watched.set(incoming, {
      startedAt: time,
      startBytes: bytes,
      lastBytes: bytes,
      lastProgressAt: time,
      pausedMs: 0,
    })
  }

  forget(incoming: IncomingMessage): void {
    this.watched.delete(incoming)
  }

  /** Looks at every watched body once; call it on a timer. */
  sample(): void {
    const time = this.now()
    const sinceLast = time - this.lastSampleAt
    this.lastSampleAt = time
    for (const [incoming, state] of this.watched) {
      if (incoming.complete || incoming.destroyed) this.watched.delete(incoming)
      else if (this.isTooSlow(incoming, state, time, sinceLast)) incoming.socket.destroy()
    }
  }

  private isTooSlow(incoming: IncomingMessage, state: Watched, time: number, sinceLast: number): boolean {
    const bytes = incoming.socket.bytesRead
    const isBackedUp = incoming.readableLength >= incoming.readableHighWaterMark
    if (bytes > state.lastBytes || isBackedUp) {
      state.lastBytes = bytes
      state.lastProgressAt = time
    }
    if (isBackedUp) state.pausedMs += sinceLast
    if (time - state.lastProgressAt > this.limits.idleMs) return true
    const activeMs = time - state.startedAt - state.pausedMs
    return (
      activeMs > this.limits.graceMs &&
      bytes - state.startBytes < (this.limits.minBytesPerSecond * (activeMs - this.limits.graceMs)) / 1000
    )
  }
}
