import { pause } from '../pause/index.ts'
import { isRetryable } from '../release/index.ts'

/** Pause after an attempt that failed for a reason that may pass. */
const RETRY_MS = 1000

/**
 * Starts something that others have to be there for, as often as it takes. False when the role ended meanwhile.
 * @throws what `start` throws, where trying again would not help
 */
export async function startPatiently(
  part: { start(): Promise<void> },
  isEnding: () => boolean,
  report: (error: unknown) => void,
): Promise<boolean> {
  while (!isEnding()) {
    try {
      await part.start()
      return true
    } catch (error) {
      report(error)
      if (!isRetryable(error)) throw error
      await pause(RETRY_MS)
    }
  }
  return false
}
