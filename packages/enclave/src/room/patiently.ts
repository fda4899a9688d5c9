import { SottoError } from '@sotto/protocol/errors'
import { pause } from '../pause/index.ts'

const MAX_ATTEMPTS = 5
const FIRST_PAUSE_MS = 250

/**
 * Asks somebody who may not answer right now again, a few times, each after twice the time: a run that is charged is not
 * to end because a connection did. What is asked must be harmless to repeat.
 * @throws what the last attempt threw, or the first whose action is not `retry`; the reason of `signal`
 */
export async function patiently<T>(signal: AbortSignal, ask: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    signal.throwIfAborted()
    try {
      return await ask()
    } catch (error) {
      const isRetry = error instanceof SottoError && error.action === 'retry'
      if (!isRetry || attempt === MAX_ATTEMPTS) throw error
      await pause(FIRST_PAUSE_MS * 2 ** (attempt - 1))
    }
  }
}
