/**
 * Where a recording is:
 * - `checking`: this browser looks at the file
 * - `waiting`: for its turn, or for a service that is verified
 * - `sending`: on its way, and heard meanwhile
 * - `done`: all of it was heard
 * - `stopped`: by the reader, or by the end of the page; what was heard is there
 * - `failed`: on the way, or at the service; what was heard is there
 * - `refused`: here, before anything was sent
 */
export type State = 'checking' | 'waiting' | 'sending' | 'done' | 'stopped' | 'failed' | 'refused'

/** Recordings that are heard at once: one enclave hears them all, and the first is done sooner. */
const AT_ONCE = 1

/** What may be sent now, oldest first. */
export function nextOf<T extends { state: State }>(oldestFirst: readonly T[], isOpen: boolean): T[] {
  if (!isOpen) return []
  const busy = oldestFirst.filter(({ state }) => state === 'sending').length
  return oldestFirst.filter(({ state }) => state === 'waiting').slice(0, Math.max(0, AT_ONCE - busy))
}

/** How a recording that was kept is found again: nothing goes on by itself after the page was closed. */
export function stateAfterReload(state: State): State {
  return state === 'checking' || state === 'waiting' || state === 'sending' ? 'stopped' : state
}

/** Share of a recording that was heard, 0 to 1; undefined while nobody knows how long it is. */
export function shareHeard(heardSeconds: number, seconds: number | undefined): number | undefined {
  if (seconds === undefined || seconds <= 0) return undefined
  return Math.min(1, heardSeconds / seconds)
}
