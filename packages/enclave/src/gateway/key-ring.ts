import { toHex } from '@sotto/protocol/bytes'
import type { Digest, UnixSeconds } from '@sotto/protocol/keyrelease'
import { encodeKeyConfigs, type OhttpGatewayKey, type ReplayGuard } from '@sotto/protocol/ohttp'
import { createReplayWindow, type ReplayWindow } from './replay-window.ts'

/** A private request key this enclave was given, and how long it may use it. */
export interface HeldKey {
  key: OhttpGatewayKey
  /** Digest of the key-release policy it was released under. */
  policy: Digest
  notAfter: UnixSeconds
}

/**
 * The request keys of this enclave, in memory only. Each has a replay window of its own, which
 * lives exactly as long as the key: installing the same key again does not empty it.
 */
export interface KeyRing extends ReplayGuard {
  /** Replaces the set. Keys that are not in it any more are forgotten, with their windows. */
  install(keys: readonly HeldKey[]): void
  /** The key of this identifier, unless it has expired; expired keys are forgotten at once. */
  find(keyId: number): HeldKey | undefined
  /** `application/ohttp-keys` of the usable keys, most preferred first; undefined when there are none. */
  readonly configs: Uint8Array | undefined
}

/** How a {@link KeyRing} keeps time and how much it remembers. */
export interface KeyRingOptions {
  /** Unix seconds. */
  now: () => UnixSeconds
  /** Requests one key's replay window remembers; more are refused. Default 262144, about 25 MiB. */
  maxEntries?: number
  /** How long a request is remembered at least, in milliseconds: twice the date window. Default 600000. */
  keepMs?: number
  /** Milliseconds on a clock that never goes back. Default `performance.now`. */
  monotonicNow?: () => number
}

/** Makes an empty {@link KeyRing}. */
export function createKeyRing(options: KeyRingOptions): KeyRing {
  const { maxEntries = 262_144, keepMs = 600_000, monotonicNow = () => performance.now() } = options
  const windowOptions = { maxEntries, keepMs, monotonicNow }
  let entries = new Map<number, { held: HeldKey; replay: ReplayWindow }>()

  function wipeExpired(): void {
    const now = options.now()
    for (const [keyId, { held }] of entries) if (held.notAfter < now) entries.delete(keyId)
  }
  return {
    install(keys) {
      const before = new Map([...entries.values()].map((entry) => [nameOf(entry.held), entry.replay]))
      entries = new Map(
        keys.map((held) => [
          held.key.config.keyId,
          { held, replay: before.get(nameOf(held)) ?? createReplayWindow(windowOptions) },
        ]),
      )
      wipeExpired()
    },
    find(keyId) {
      wipeExpired()
      return entries.get(keyId)?.held
    },
    get configs() {
      wipeExpired()
      return entries.size === 0
        ? undefined
        : encodeKeyConfigs([...entries.values()].map(({ held }) => held.key.config))
    },
    has: (keyId, enc) => entries.get(keyId)?.replay.has(enc) ?? false,
    // A key that went away meanwhile has no window left to protect it: its requests are refused.
    claim: (keyId, enc) => entries.get(keyId)?.replay.record(enc) ?? false,
  }
}

/** A key id may come back with another key after a while; the public key tells them apart. */
function nameOf({ key }: HeldKey): string {
  return `${key.config.keyId} ${toHex(key.config.publicKey)}`
}
