import { crypto } from '@sotto/protocol/crypto-backend'
import { toHex } from '@sotto/protocol/bytes'
import { gatewayError } from './errors.ts'

/**
 * Remembers the encapsulated keys (`enc`) one private key has accepted, in the memory of this
 * process only: never in a database somebody else could turn back (T12).
 */
export interface ReplayWindow {
  /** Whether this `enc` was recorded. Costs one hash: ask before any decryption. */
  has(enc: Uint8Array): boolean
  /**
   * Records an `enc` whose message has been authenticated; false when it was there already, which
   * decides between two copies that arrive together. Recording before authentication would let
   * anybody who saw a request block it.
   * @throws `GATEWAY_REPLAY_FULL` rather than forget one too early
   */
  record(enc: Uint8Array): boolean
  /** {@link ReplayWindow.has} for who knows the SHA-256 of an `enc` only. */
  hasDigest(digest: Uint8Array): boolean
  /** {@link ReplayWindow.record} for who knows the SHA-256 of an `enc` only. @throws as it does */
  recordDigest(digest: Uint8Array): boolean
}

/** Bounds of a {@link ReplayWindow}. */
export interface ReplayWindowOptions {
  /** How long an entry is kept at least, in milliseconds: twice the accepted clock difference. */
  keepMs: number
  /** Entries at most (about 100 bytes each); 262144 are 25 MiB. */
  maxEntries: number
  /** Milliseconds on a clock that never goes back. */
  monotonicNow: () => number
}

/** 128 bits: a collision, which would refuse an honest request, is out of reach. */
const ID_BYTES = 16

/** Makes an empty {@link ReplayWindow}: two generations, the older dropped as a whole. */
export function createReplayWindow(options: ReplayWindowOptions): ReplayWindow {
  let current = new Set<string>()
  let previous = new Set<string>()
  let turnedAt = options.monotonicNow()

  function turn(): void {
    const age = options.monotonicNow() - turnedAt
    if (age < options.keepMs) return
    previous = age < 2 * options.keepMs ? current : new Set()
    current = new Set()
    turnedAt += age
  }
  function has(id: string): boolean {
    turn()
    return current.has(id) || previous.has(id)
  }
  function record(id: string): boolean {
    if (has(id)) return false
    if (current.size + previous.size >= options.maxEntries)
      throw gatewayError('GATEWAY_REPLAY_FULL', 'too many requests in the replay window')
    current.add(id)
    return true
  }
  return {
    has: (enc) => has(idOf(crypto.sha256(enc))),
    record: (enc) => record(idOf(crypto.sha256(enc))),
    hasDigest: (digest) => has(idOf(digest)),
    recordDigest: (digest) => record(idOf(digest)),
  }
}

function idOf(digest: Uint8Array): string {
  return toHex(digest.subarray(0, ID_BYTES))
}
