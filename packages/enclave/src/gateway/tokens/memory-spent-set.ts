import { toBase64Url } from '@sotto/protocol/bytes'
import { crypto } from '@sotto/protocol/crypto-backend'
import { type SpendEntry, SpentBook } from '@sotto/protocol/spending'
import { gatewayError } from '../errors.ts'
import type { ContextualSpentSet, SpentEntry } from './spent-set.ts'

/** Bounds of a set in memory. */
export interface MemorySpentSetOptions {
  /** Entries at most, about 60 bytes each. */
  maxEntries: number
  /** Unix seconds on a clock that never goes back: what was forgotten must have expired for good. */
  now: () => number
}

/**
 * An empty set in the memory of this process, for one gateway alone. It is gone with the process; its context is
 * drawn at random with it, so a gateway that starts again takes no token that was bought for the one before.
 */
export function createMemorySpentSet({ maxEntries, now }: MemorySpentSetOptions): ContextualSpentSet {
  const book = new SpentBook(maxEntries)
  const context = crypto.randomBytes(32)
  return {
    context: () => context,
    set: {
      // Without a pause in it: no other call comes in between.
      async spend(given) {
        const entries = given.map(named)
        const at = now()
        book.forget(at)
        if (!book.hasRoom(entries))
          throw gatewayError('GATEWAY_SPENT_UNAVAILABLE', 'no more spent tokens can be remembered')
        return entries.map((entry) => book.spend(entry, at) !== undefined)
      },
    },
  }
}

function named({ nonce, keyId, expiresAt }: SpentEntry): SpendEntry {
  return { nonce: toBase64Url(nonce), keyId: toBase64Url(keyId), expiresAt }
}
