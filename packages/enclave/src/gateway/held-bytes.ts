import { serveError } from '@sotto/serve/errors'

/**
 * Memory for messages that are held whole (those without chunks), shared by all exchanges. Without it, as many
 * senders as there may be exchanges could each fill the largest message. Only outer sizes decide, and every
 * refusal is the same: it says nothing about what a message holds.
 */
export interface HeldBytes {
  /** Takes what a message says it has, before a byte of it is read. @throws `HTTP_BUSY` */
  reserve(declared: number | undefined): Reservation
  /** Bytes taken now. */
  readonly taken: number
}

/** What one exchange has taken. */
export interface Reservation {
  /** Counts bytes that the exchange holds from now on; takes more where it reserved less. @throws `HTTP_BUSY` */
  hold(bytes: number): void
  /** Gives everything back. Idempotent. */
  release(): void
}

/** Taken for a message of unknown length, as relays send them, and as its first bytes may already wait in a buffer. */
const UNDECLARED_BYTES = 65_536

/** Makes {@link HeldBytes} of at most `limit`. */
export function createHeldBytes(limit: number): HeldBytes {
  let taken = 0
  function take(bytes: number): void {
    if (taken + bytes > limit) throw serveError('HTTP_BUSY', 'too many exchanges are in progress')
    taken += bytes
  }
  return {
    get taken() {
      return taken
    },
    reserve(declared = UNDECLARED_BYTES) {
      take(declared)
      let own = declared
      let held = 0
      let isOver = false
      return {
        hold(bytes) {
          // What comes after the end of an exchange is dropped by whoever reads it.
          if (isOver) return
          const more = Math.max(0, held + bytes - own)
          take(more)
          own += more
          held += bytes
        },
        release() {
          if (isOver) return
          isOver = true
          taken -= own
        },
      }
    },
  }
}
