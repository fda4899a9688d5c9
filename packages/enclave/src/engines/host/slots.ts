import { engineError } from '../errors.ts'
import { currentParty } from './party.ts'

interface Waiting {
  readonly enter: () => void
  readonly refuse: (reason: Error) => void
}

/**
 * Admission to one engine: so many calls at once, so many waiting, the rest refused at once. Fair between parties
 * (see `party.ts`): the next slot goes to the waiting party that holds the fewest, and among equals to the one served
 * longest ago. Calls of one party go in order of arrival. Whoever fills the queue cannot keep others out of it: a party
 * with fewer waiting takes the last place of the one with the most.
 */
export class Slots {
  private readonly maxWaiting: number
  private readonly maxWaitMs: number
  private limit = 0
  private used = 0
  /** Only of parties with calls that wait. */
  private readonly queues = new Map<string, Waiting[]>()
  /** Only of parties that hold slots. */
  private readonly held = new Map<string, number>()
  /** When each party was last served, in turns. Only of parties that wait or hold slots. */
  private readonly lastTurn = new Map<string, number>()
  private turn = 0
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
    let sum = 0
    for (const queue of this.queues.values()) sum += queue.length
    return sum
  }

  /** How many may run at once; 0 while the engine is down: then everybody waits. */
  setLimit(limit: number): void {
    this.limit = limit
    this.admit()
  }

  /** Refuses everybody who waits, and everybody who comes from now on. */
  close(reason: Error): void {
    this.closed = reason
    const waiting = [...this.queues.values()].flat()
    this.queues.clear()
    for (const party of this.lastTurn.keys()) this.forget(party)
    for (const { refuse } of waiting) refuse(reason)
  }

  /**
   * Waits for a slot. Call what it answers, once, to give the slot back.
   * @throws `ENGINE_BUSY`, `ENGINE_CANCELLED`, or why it closed
   */
  async enter(signal?: AbortSignal, party: string = currentParty()): Promise<() => void> {
    if (this.closed) throw this.closed
    if (signal?.aborted) throw cancelled()
    if (this.used < this.limit && this.queues.size === 0) return this.take(party)
    if (this.queued >= this.maxWaiting) this.makeRoom(party)
    const { promise, resolve, reject } = Promise.withResolvers<() => void>()
    const own: Waiting = { enter: () => resolve(this.take(party)), refuse: reject }
    const leave = (reason: Error): void => {
      if (this.remove(party, own)) reject(reason)
    }
    const onAbort = (): void => leave(cancelled())
    const timer = setTimeout(
      () => leave(engineError('ENGINE_BUSY', 'waited too long for this model')),
      this.maxWaitMs,
    )
    signal?.addEventListener('abort', onAbort)
    const queue = this.queues.get(party)
    if (queue) queue.push(own)
    else this.queues.set(party, [own])
    try {
      return await promise
    } finally {
      clearTimeout(timer)
      signal?.removeEventListener('abort', onAbort)
    }
  }

  private take(party: string): () => void {
    this.used++
    this.lastTurn.set(party, this.turn++)
    this.held.set(party, (this.held.get(party) ?? 0) + 1)
    let isGivenBack = false
    return () => {
      if (isGivenBack) return
      isGivenBack = true
      this.used--
      const left = this.held.get(party)! - 1
      if (left > 0) this.held.set(party, left)
      else this.held.delete(party)
      this.admit()
      this.forget(party)
    }
  }

  private admit(): void {
    while (this.used < this.limit) {
      const party = this.nextParty()
      if (party === undefined) return
      const queue = this.queues.get(party)!
      const next = queue.shift()!
      if (queue.length === 0) this.queues.delete(party)
      next.enter()
    }
  }

  private nextParty(): string | undefined {
    let found: string | undefined
    let best = [Infinity, Infinity] as const
    for (const party of this.queues.keys()) {
      const [holds, last] = [this.held.get(party) ?? 0, this.lastTurn.get(party) ?? -1]
      if (holds > best[0] || (holds === best[0] && last >= best[1])) continue
      best = [holds, last]
      found = party
    }
    return found
  }

  private forget(party: string): void {
    if (!this.held.has(party) && !this.queues.has(party)) this.lastTurn.delete(party)
  }

  /** @throws `ENGINE_BUSY` when no other party has more calls waiting than this one would have */
  private makeRoom(party: string): void {
    let longest: string | undefined
    let most = (this.queues.get(party)?.length ?? 0) + 1
    for (const [other, queue] of this.queues) {
      if (queue.length <= most) continue
      most = queue.length
      longest = other
    }
    const last = longest === undefined ? undefined : this.queues.get(longest)!.at(-1)
    if (last === undefined) throw busy(this.queued)
    this.remove(longest!, last)
    last.refuse(busy(this.queued + 1))
  }

  private remove(party: string, own: Waiting): boolean {
    const queue = this.queues.get(party)
    const at = queue?.indexOf(own) ?? -1
    if (!queue || at < 0) return false
    queue.splice(at, 1)
    if (queue.length === 0) this.queues.delete(party)
    this.forget(party)
    return true
  }
}

function busy(waiting: number): Error {
  return engineError('ENGINE_BUSY', 'too many requests wait for this model', { found: `${waiting}` })
}

function cancelled(): Error {
  return engineError('ENGINE_CANCELLED', 'the caller cancelled')
}
