import { randomInt } from 'node:crypto'

/** Uids from the first to the last, both included. */
export interface UidBounds {
  readonly first: number
  readonly last: number
}

/**
 * Both lie in the range systemd reserves for dynamic users: nobody owns files under these uids. They have none in common,
 * so that an app and an engine never share one.
 */
export const ENGINE_UIDS: UidBounds = { first: 61_184, last: 63_999 }
/** See {@link ENGINE_UIDS}. */
export const APP_UIDS: UidBounds = { first: 64_000, last: 65_519 }

/** Hands out a uid of its own to everybody. Starts at random, so that two hosts on a machine rarely meet. */
export class UidRange {
  private readonly used = new Set<number>()
  private readonly bounds: UidBounds
  private readonly full: () => Error

  /** @param full makes the error that says that no uid is left */
  constructor(bounds: UidBounds, full: () => Error) {
    this.bounds = bounds
    this.full = full
  }

  /** A uid nobody uses, without taking it. @throws what `full` makes */
  any(): number {
    const { first, last } = this.bounds
    const count = last - first + 1
    const start = randomInt(count)
    for (let i = 0; i < count; i++) {
      const uid = first + ((start + i) % count)
      if (!this.used.has(uid)) return uid
    }
    throw this.full()
  }

  /** Takes a uid until it is given back. @throws what `full` makes */
  take(): number {
    const uid = this.any()
    this.used.add(uid)
    return uid
  }

  /** Returns a uid. */
  giveBack(uid: number): void {
    this.used.delete(uid)
  }
}
