import { setTimeout as sleep } from 'node:timers/promises'
import { SottoError } from '@sotto/protocol/errors'

const MAX_ATTEMPTS = 5
const FIRST_PAUSE_MS = 250
const MAX_PAUSE_MS = 30_000

/**
 * Asks somebody who may not answer right now again, each time after twice the time: a run that is charged is not to end
 * because a connection did. What is asked must be harmless to repeat.
 * @param isOver from when on it is no use. Absent: after five attempts
 * @throws what the last attempt threw, or the first whose action is not `retry`; the reason of `signal`
 */
export async function patiently<T>(
  signal: AbortSignal,
  ask: () => Promise<T>,
  isOver?: () => boolean,
): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    signal.throwIfAborted()
    try {
      return await ask()
    } catch (error) {
      const isRetry = error instanceof SottoError && error.action === 'retry'
      if (!isRetry || (isOver?.() ?? attempt === MAX_ATTEMPTS)) throw error
      const pauseMs = Math.min(FIRST_PAUSE_MS * 2 ** (attempt - 1), MAX_PAUSE_MS)
      // It keeps no process alive, and whoever ends the run ends the pause.
      await sleep(pauseMs, undefined, { signal, ref: false }).catch(() => undefined)
    }
  }
}
