import { fromBase64Url } from '../bytes/index.ts'
import { publicCrypto } from '../crypto-backend/index.ts'
import type { UnixSeconds } from '../keyrelease/types.ts'
import type { SpendEntry } from './types.ts'

/** 128 bits of a nonce's hash: a collision, which would refuse an honest token, is out of reach. */
export const SPENT_ID_BYTES = 16
/** Entries at most: about 32 MB in the store, and 150 MB here. */
export const MAX_SPENT_ENTRIES = 2_000_000
/** Issuer keys at once: two of each of 16 classes, for two issuers. Each is a set of its own. */
const MAX_KEYS = 64

/** Entries of one issuer key that were spent, as hashes of their nonces, joined. */
export interface SpentIds {
  /** The issuer key's hash, base64url. */
  keyId: string
  expiresAt: UnixSeconds
  /** {@link SPENT_ID_BYTES} each. */
  ids: Uint8Array
}

/**
 * Which tokens were spent, in memory. Nothing is forgotten before its issuer key has ended by a clock that never
 * goes back; from then on nothing of that time is spent any more, however the clock is set at a later start.
 */
export class SpentBook {
  readonly #byKey = new Map<string, { expiresAt: UnixSeconds; ids: Set<string> }>()
  readonly #maxEntries: number
  #forgotten: UnixSeconds = 0
  #size = 0

  constructor(maxEntries: number = MAX_SPENT_ENTRIES) {
    this.#maxEntries = maxEntries
  }

  get size(): number {
    return this.#size
  }

  /** Keys that ended at this time or before may have been forgotten. */
  get forgotten(): UnixSeconds {
    return this.#forgotten
  }

  /** Forgets keys that have ended; returns their names. */
  forget(now: UnixSeconds): string[] {
    const gone: string[] = []
    for (const [keyId, { expiresAt, ids }] of this.#byKey) {
      if (expiresAt > now) continue
      this.#byKey.delete(keyId)
      this.#size -= ids.size
      this.#forgotten = Math.max(this.#forgotten, expiresAt)
      gone.push(keyId)
    }
    return gone
  }

  /** Whether so many entries can be remembered: without room, none is spent rather than one forgotten. */
  hasRoom(entries: readonly SpendEntry[]): boolean {
    const keys = new Set(entries.map(({ keyId }) => keyId).filter((keyId) => !this.#byKey.has(keyId)))
    return this.#size + entries.length <= this.#maxEntries && this.#byKey.size + keys.size <= MAX_KEYS
  }

  /** Spends an entry; its hash when it was unspent until now. */
  spend({ nonce, keyId, expiresAt }: SpendEntry, now: UnixSeconds): Uint8Array | undefined {
    // It may have been spent and forgotten.
    if (expiresAt <= Math.max(now, this.#forgotten)) return undefined
    const id = publicCrypto.sha256(fromBase64Url(nonce)).subarray(0, SPENT_ID_BYTES)
    return this.#add(keyId, expiresAt, String.fromCharCode(...id)) ? id : undefined
  }

  /** Takes in what a store remembers. */
  restore({ keyId, expiresAt, ids }: SpentIds): void {
    for (let at = 0; at < ids.length; at += SPENT_ID_BYTES)
      this.#add(keyId, expiresAt, String.fromCharCode(...ids.subarray(at, at + SPENT_ID_BYTES)))
  }

  restoreForgotten(until: UnixSeconds): void {
    this.#forgotten = Math.max(this.#forgotten, until)
  }

  /** When a key ends, as it was told last. */
  expiryOf(keyId: string): UnixSeconds | undefined {
    return this.#byKey.get(keyId)?.expiresAt
  }

  #add(keyId: string, expiresAt: UnixSeconds, id: string): boolean {
    const known = this.#byKey.get(keyId) ?? { expiresAt, ids: new Set<string>() }
    this.#byKey.set(keyId, known)
    known.expiresAt = Math.max(known.expiresAt, expiresAt)
    if (known.ids.has(id)) return false
    known.ids.add(id)
    this.#size++
    return true
  }
}
