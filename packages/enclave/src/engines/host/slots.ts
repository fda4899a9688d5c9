import { engineError } from '../errors.ts'

interface Waiting {
  readonly enter: () => void
  readonly refuse: (reason: Error) => void
}

/** Admission to one engine: so many calls at once, so many waiting in order of arrival, the rest refused at once. */
export class Slots {
  private readonly maxWaiting: number
  private readonly maxWaitMs: number
  private limit = 0
  private used = 0
  private readonly waiting: Waiting[] = []
  private closed: Error | undefined

  constructor(maxWaiting: number, maxWaitMs: number) {
    this.maxWaiting = maxWaiting
    this.maxWaitMs = maxWaitMs
  }

  /** Calls that hold a slot. */
  get active(): number {
    return this.used
  }

  /** Calls in the queue. */
  get queued(): number {
    return this.waiting.length
  }

  /** How many may run at once; 0 while the engine is down: then everybody waits. */
  setLimit(limit: number): void {
    this.limit = limit
    this.admit()
  }

  /** Refuses everybody who waits, and everybody who comes from now on. */
  close(reason: Error): void {
    this.closed = reason
    for (const { refuse } of this.waiting.splice(0)) refuse(reason)
  }

  /** Waits for a slot; give it back with {@link Slots.leave}. @throws `ENGINE_BUSY`, `ENGINE_CANCELLED`, or why it closed */
  async enter(signal?: AbortSignal): Promise<void> {
    if (this.closed) throw this.closed
    if (signal?.aborted) throw cancelled()
    if (this.used < this.limit && this.waiting.length === 0) {
      this.used++
      return
    }
    if (this.waiting.length >= this.maxWaiting) {
      throw engineError('ENGINE_BUSY', 'too many requests wait for this model', {
        found: `${this.waiting.length}`,
      })
    }
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const own: Waiting = { enter: resolve, refuse: reject }
    const leave = (reason: Error): void => {
      const at = this.waiting.indexOf(own)
      if (at < 0) return
      this.waiting.splice(at, 1)
      reject(reason)
    }
    const onAbort = (): void => leave(cancelled())
    const timer = setTimeout(
      () => leave(engineError('ENGINE_BUSY', 'waited too long for this model')),
      this.maxWaitMs,
    )
    signal?.addEventListener('abort', onAbort)
    this.waiting.push(own)
    try {
      await promise
    } finally {
      clearTimeout(timer)
      signal?.removeEventListener('abort', onAbort)
    }
  }

  /** Returns a slot. */
  leave(): void {
    this.used--
    this.admit()
  }

  private admit(): void {
    while (this.used < this.limit) {
      const next = this.waiting.shift()
      if (!next) return
      this.used++
      next.enter()
    }
  }
}

function cancelled(): Error {
  return engineError('ENGINE_CANCELLED', 'the caller cancelled')
}
