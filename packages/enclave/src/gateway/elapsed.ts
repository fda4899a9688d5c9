import type { UnixSeconds } from '@sotto/protocol/keyrelease'

/** The operator controls the wall clock of this machine; the other one only runs forward (T13). */
export interface TwoClocks {
  /** Unix seconds. */
  now: () => UnixSeconds
  /** Milliseconds on a clock that never goes back. */
  monotonicNow: () => number
}

/**
 * Seconds that have passed since `since` by whichever clock says more: turning the wall clock back
 * keeps nothing young. `since` may lie before this call, by the wall clock.
 */
export function startElapsed(clocks: TwoClocks, since: UnixSeconds = clocks.now()): () => number {
  const startedAt = clocks.monotonicNow()
  return () => Math.max(clocks.now() - since, (clocks.monotonicNow() - startedAt) / 1000)
}
