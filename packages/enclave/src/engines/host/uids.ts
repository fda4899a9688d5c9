import { randomInt } from 'node:crypto'
import { engineError } from '../errors.ts'

/** The range systemd reserves for dynamic users: nobody owns files under these uids. */
const FIRST_UID = 61_184
const LAST_UID = 65_519

/** Hands out a uid of its own to every engine. Starts at random, so that two hosts on a machine rarely meet. */
export class UidRange {
  private readonly used = new Set<number>()

  /** A uid nobody uses, without taking it. @throws `ENGINE_BUSY` */
  any(): number {
    const count = LAST_UID - FIRST_UID + 1
    const start = randomInt(count)
    for (let i = 0; i < count; i++) {
      const uid = FIRST_UID + ((start + i) % count)
      if (!this.used.has(uid)) return uid
    }
    throw engineError('ENGINE_BUSY', 'no uid is left for another engine')
  }

  /** Takes a uid until it is given back. */
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
