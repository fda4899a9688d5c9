import { setImmediate } from 'node:timers/promises'

/** How long work keeps everything else in its process waiting: other parties, health, evidence that has to be renewed. */
const SLICE_MS = 8

/**
 * Lets everything else in this process have its turn, where the work that awaits this has had its own.
 * @throws the reason of `signal`, whether it waited or not
 */
export type GiveWay = (signal?: AbortSignal) => Promise<void>

/**
 * For one work whose awaits resolve at once, and so let nothing in: to be awaited after each piece of some milliseconds.
 * @param now milliseconds, never going back. Default `performance.now`
 */
export function createGiveWay(now: () => number = () => performance.now()): GiveWay {
  let since = now()
  return async (signal) => {
    if (now() - since >= SLICE_MS) {
      await setImmediate()
      since = now()
    }
    signal?.throwIfAborted()
  }
}
