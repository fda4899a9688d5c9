import { MAX_LIVE_KEYS } from '@sotto/protocol/tokens'

/** A key as rotation sees it. */
export interface KeyLife {
  className: string
  /** Last byte of its id. */
  truncatedId: number
  notBefore: number
  notAfter: number
}

/** How long keys live, in seconds. */
export interface RotationPlan {
  classes: readonly string[]
  lifetimeSeconds: number
  /** How long before its end a key gets its successor: at most half of a life, so that no third key lives. */
  overlapSeconds: number
}

/** Clocks of gateways and clients may be this far behind when an issuer starts. */
const SKEW_SECONDS = 300
/** A successor is announced this long before it is used at most: gateways have to hear of it first. */
const MAX_LEAD_SECONDS = 3600

/** Lives of the keys to make now: one for each class whose newest key ends within the overlap, or that has none. */
export function dueKeys(
  keys: readonly KeyLife[],
  plan: RotationPlan,
  now: number,
): { className: string; notBefore: number; notAfter: number }[] {
  return plan.classes.flatMap((className) => {
    const live = keys.filter((key) => key.className === className && now < key.notAfter)
    const end = Math.max(...live.map(({ notAfter }) => notAfter), 0)
    if (live.length >= MAX_LIVE_KEYS || now < end - plan.overlapSeconds) return []
    const lead = live.length === 0 ? -SKEW_SECONDS : Math.min(MAX_LEAD_SECONDS, plan.overlapSeconds / 2)
    return [{ className, notBefore: Math.floor(now + lead), notAfter: now + plan.lifetimeSeconds }]
  })
}

/** Whether a new key can be told apart from all others by the one byte that requests name. */
export function isTellable(truncatedId: number, keys: readonly KeyLife[], now: number): boolean {
  return keys.every((key) => key.notAfter <= now || key.truncatedId !== truncatedId)
}
