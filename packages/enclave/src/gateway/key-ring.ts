import { toHex } from '@sotto/protocol/bytes'
import type { Digest, UnixSeconds } from '@sotto/protocol/keyrelease'
import { encodeKeyConfigs, type OhttpGatewayKey, type ReplayGuard } from '@sotto/protocol/ohttp'
import { startElapsed } from './elapsed.ts'
import type { ServingIdentity } from './receipt.ts'
import { createReplayWindow, type ReplayWindow } from './replay-window.ts'

/** A private request key this enclave was given, and how long it may use it. */
export interface HeldKey {
  key: OhttpGatewayKey
  /** Digest of the key-release policy it was released under. */
  policy: Digest
  notAfter: UnixSeconds
  /** As whom answers to requests under this key are signed, where it is not the newest identity. */
  identity?: ServingIdentity
}

/**
 * A verdict of a client rests on a checkpoint of at most this age (T6): so long after a set was replaced
 * somebody may still use it.
 */
const RETIRED_SECONDS = 3600

/**
 * The request keys of this enclave, in memory only. Each has a replay window of its own, which
 * lives exactly as long as the key: installing the same key again does not empty it.
 */
export interface KeyRing extends ReplayGuard {
  /**
   * Replaces the set. A key that is not in it any more is used on, with its window, while a client may hold
   * the set it was in: for an hour at most, never past its end, and only while its policy is that of a key of
   * the new set. So a KMS that starts anew, with keys of its own (T4), costs no client a request; and keys of
   * a policy that members replaced are forgotten at once (T2).
   */
  install(keys: readonly HeldKey[]): void
  /** Forgets keys that have ended: to be called every now and then, for nobody may ask for anything (T4). */
  wipeExpired(): void
  /** The key of this identifier, unless it has expired; expired keys are forgotten at once. */
  find(keyId: number): HeldKey | undefined
  /**
   * Decides between a request and the one it is to take the place of, named by the SHA-256 of its encapsulated key:
   * true when no such message was opened here, and from now on none is. False when one was, under any key, also one that
   * has gone meanwhile: it may have run.
   * @throws `GATEWAY_REPLAY_FULL` rather than forget a decision too early
   */
  replace(digest: Uint8Array): boolean
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
  /** Keys whose requests are remembered as long as the key lives, whatever `keepMs` says. Default none. */
  keepForLife?: (held: HeldKey) => boolean
  /** Milliseconds on a clock that never goes back. Default `performance.now`. */
  monotonicNow?: () => number
}

interface Entry {
  held: HeldKey
  /** Seconds since a newer set came without it; absent: it is in the newest. */
  retired?: () => number
  replay: ReplayWindow
  installedAt: UnixSeconds
  /** Seconds since then, by the clock that says more. */
  elapsed: () => number
}

/** Makes an empty {@link KeyRing}. */
export function createKeyRing(options: KeyRingOptions): KeyRing {
  const { maxEntries = 262_144, keepMs = 600_000, monotonicNow = () => performance.now() } = options
  const openWindow = (held: HeldKey): ReplayWindow =>
    createReplayWindow({
      maxEntries,
      keepMs: options.keepForLife?.(held) === true ? Infinity : keepMs,
      monotonicNow,
    })
  const clocks = { now: options.now, monotonicNow }
  let entries = new Map<number, Entry>()
  /** Windows of keys that have gone: what was opened under one is known as long as its date would be accepted. */
  let gone: { replay: ReplayWindow; since: number }[] = []
  const replaced = createReplayWindow({ maxEntries, keepMs, monotonicNow })

  function wipeExpired(): void {
    gone = gone.filter(({ since }) => monotonicNow() - since <= keepMs)
    for (const [keyId, { held, installedAt, elapsed, retired, replay }] of entries) {
      if (elapsed() <= held.notAfter - installedAt && (retired?.() ?? 0) <= RETIRED_SECONDS) continue
      entries.delete(keyId)
      gone.push({ replay, since: monotonicNow() })
    }
  }
  return {
    install(keys) {
      const before = new Map([...entries.values()].map((entry) => [nameOf(entry.held), entry]))
      const policies = new Set(keys.map(({ policy }) => policy))
      const current = new Set(keys.map(({ key }) => key.config.keyId))
      const retiring = [...entries].filter(([id, { held }]) => !current.has(id) && policies.has(held.policy))
      entries = new Map(
        keys.map((held) => {
          const { replay, installedAt, elapsed } = before.get(nameOf(held)) ?? {
            replay: openWindow(held),
            installedAt: options.now(),
            elapsed: startElapsed(clocks),
          }
          return [held.key.config.keyId, { held, replay, installedAt, elapsed }]
        }),
      )
      for (const [keyId, entry] of retiring)
        entries.set(keyId, { ...entry, retired: entry.retired ?? startElapsed(clocks) })
      const kept = new Set([...entries.values()].map(({ replay }) => replay))
      for (const { replay } of before.values())
        if (!kept.has(replay)) gone.push({ replay, since: monotonicNow() })
      wipeExpired()
    },
    wipeExpired,
    find(keyId) {
      wipeExpired()
      return entries.get(keyId)?.held
    },
    get configs() {
      wipeExpired()
      const current = [...entries.values()].filter(({ retired }) => retired === undefined)
      return current.length === 0 ? undefined : encodeKeyConfigs(current.map(({ held }) => held.key.config))
    },
    replace(digest) {
      wipeExpired()
      const windows = [...entries.values(), ...gone]
      return !windows.some(({ replay }) => replay.hasDigest(digest)) && replaced.recordDigest(digest)
    },
    has: (keyId, enc) => replaced.has(enc) || (entries.get(keyId)?.replay.has(enc) ?? false),
    // A key that went away meanwhile has no window left to protect it: its requests are refused.
    claim: (keyId, enc) => !replaced.has(enc) && (entries.get(keyId)?.replay.record(enc) ?? false),
  }
}

/** A key id may come back with another key after a while; the public key tells them apart. */
function nameOf({ key }: HeldKey): string {
  return `${key.config.keyId} ${toHex(key.config.publicKey)}`
}
