import { toHex } from '@sotto/protocol/bytes'
import type { Digest, UnixSeconds } from '@sotto/protocol/keyrelease'
import { encodeKeyConfigs, type OhttpGatewayKey, type ReplayGuard } from '@sotto/protocol/ohttp'
import { startElapsed } from './elapsed.ts'
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
  /** Unix seconds. Turning it back prolongs no key: its life is also counted on `monotonicNow`. */
  now: () => UnixSeconds
  /** Requests one key's replay window remembers; more are refused. Default 262144, about 25 MiB. */
  maxEntries?: number
  /** How long a request is remembered at least, in milliseconds: twice the date window. Default 600000. */
  keepMs?: number
  /** Milliseconds on a clock that never goes back. Default `performance.now`. */
  monotonicNow?: () => number
}

interface Entry {
  held: HeldKey
  replay: ReplayWindow
  installedAt: UnixSeconds
  /** Seconds since then, by the clock that says more. */
  elapsed: () => number
}

/** Makes an empty {@link KeyRing}. */
export function createKeyRing(options: KeyRingOptions): KeyRing {
  const { maxEntries = 262_144, keepMs = 600_000, monotonicNow = () => performance.now() } = options
  const windowOptions = { maxEntries, keepMs, monotonicNow }
  const clocks = { now: options.now, monotonicNow }
  let entries = new Map<number, Entry>()

  function wipeExpired(): void {
    for (const [keyId, { held, installedAt, elapsed }] of entries)
      if (elapsed() > held.notAfter - installedAt) entries.delete(keyId)
  }
  return {
    install(keys) {
      const before = new Map([...entries.values()].map((entry) => [nameOf(entry.held), entry]))
      entries = new Map(
        keys.map((held) => {
          const { replay, installedAt, elapsed } = before.get(nameOf(held)) ?? {
            replay: createReplayWindow(windowOptions),
            installedAt: options.now(),
            elapsed: startElapsed(clocks),
          }
          return [held.key.config.keyId, { held, replay, installedAt, elapsed }]
        }),
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
