import { toHex } from '@sotto/protocol/bytes'
import { crypto } from '@sotto/protocol/crypto-backend'
import { gatewayError } from '../errors.ts'
import type { ContextualSpentSet, SpentEntry } from './spent-set.ts'

/** Bounds of a set in memory. */
export interface MemorySpentSetOptions {
  /** Entries at most, about 60 bytes each. */
  maxEntries: number
  /** Unix seconds on a clock that never goes back: what was forgotten must have expired for good. */
  now: () => number
}

/** 128 bits of the nonce's hash: a collision, which would refuse an honest token, is out of reach. */
const ID_BYTES = 16

/**
 * An empty set in the memory of this process, for one gateway alone. It is gone with the process; its context is
 * drawn at random with it, so a gateway that starts again takes no token that was bought for the one before.
 */
export function createMemorySpentSet({ maxEntries, now }: MemorySpentSetOptions): ContextualSpentSet {
  const byKey = new Map<string, { spent: Set<string>; expiresAt: number }>()

  function dropExpired(): void {
    for (const [keyId, { expiresAt }] of byKey) if (expiresAt <= now()) byKey.delete(keyId)
  }
  function spend({ nonce, keyId, expiresAt }: SpentEntry): boolean {
    // Its entries may be gone already.
    if (expiresAt <= now()) return false
    const name = toHex(keyId)
    const known = byKey.get(name) ?? { spent: new Set(), expiresAt }
    byKey.set(name, known)
    known.expiresAt = Math.max(known.expiresAt, expiresAt)
    const id = idOf(nonce)
    if (known.spent.has(id)) return false
    known.spent.add(id)
    return true
  }
  const context = crypto.randomBytes(32)
  return {
    context: () => context,
    set: {
      // Without a pause in it: no other call comes in between.
      async spend(entries) {
        dropExpired()
        let size = entries.length
        for (const { spent } of byKey.values()) size += spent.size
        if (size > maxEntries)
          throw gatewayError('GATEWAY_SPENT_UNAVAILABLE', 'no more spent tokens can be remembered')
        return entries.map(spend)
      },
    },
  }
}

function idOf(nonce: Uint8Array): string {
  return String.fromCharCode(...crypto.sha256(nonce).subarray(0, ID_BYTES))
}
