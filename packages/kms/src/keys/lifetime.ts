import type { UnixSeconds } from '@sotto/protocol/keyrelease'

/** How long request keys live, in seconds. */
export interface KeyTiming {
  /** From `notBefore` to `notAfter`. At most 86400 (T4). */
  rotationSeconds: number
  /** How long before the newest key's `notAfter` the next one is published. At most half its life. */
  overlapSeconds: number
  /** How long after `notAfter` workloads still hold a key, for requests under way and slow clocks. */
  graceSeconds: number
}

/** Clients whose clock is this much behind accept a new key at once. */
const CLOCK_SKEW_SECONDS = 60
/** A cached verdict ends with the checkpoint it rests on: at most this long (T6). */
export const MAX_CACHED_VERDICT_SECONDS = 3600

/** The instants of one key. */
export interface KeyLifetime {
  notBefore: UnixSeconds
  notAfter: UnixSeconds
  /** When the private key is destroyed here. */
  destroyAt: UnixSeconds
  /** Until when its identifier is not given to another key. */
  idBusyUntil: UnixSeconds
}

/** The instants of a key made now. Its whole life, skew included, is `rotationSeconds`. */
export function lifetimeFrom(now: UnixSeconds, timing: KeyTiming): KeyLifetime {
  const skew = Math.min(CLOCK_SKEW_SECONDS, Math.floor(timing.rotationSeconds / 10))
  const notBefore = now - skew
  const notAfter = notBefore + timing.rotationSeconds
  const destroyAt = notAfter + timing.graceSeconds
  return { notBefore, notAfter, destroyAt, idBusyUntil: destroyAt + MAX_CACHED_VERDICT_SECONDS }
}

/** Whether new keys must be published now: none lives beyond the overlap. */
export function isRotationDue(
  keys: readonly { notAfter: UnixSeconds }[],
  now: UnixSeconds,
  timing: KeyTiming,
): boolean {
  const newest = keys.reduce((latest, key) => Math.max(latest, key.notAfter), 0)
  return newest - timing.overlapSeconds <= now
}
