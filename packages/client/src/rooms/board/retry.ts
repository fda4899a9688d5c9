import { SottoError } from '@sotto/protocol/errors'
import { sleep } from '../../sleep.ts'

/** How requests that are harmless to repeat are repeated. */
export interface Retries {
  signal?: AbortSignal | undefined
  /** Waits before the second attempt, milliseconds. @default 500, doubled each time */
  pauseMs?: number | undefined
}

const MAX_FAILURES = 5

/** Asks again, up to five times, where the same may work in a moment. @throws what the last attempt threw */
export async function retrying<T>(
  attempt: () => Promise<T>,
  { signal, pauseMs = 500 }: Retries = {},
): Promise<T> {
  for (let failures = 0; ; failures++) {
    try {
      return await attempt()
    } catch (error) {
      signal?.throwIfAborted()
      const isPassing = error instanceof SottoError && error.action === 'retry'
      if (!isPassing || failures === MAX_FAILURES) throw error
    }
    await sleep(pauseMs * 2 ** failures, signal)
  }
}
