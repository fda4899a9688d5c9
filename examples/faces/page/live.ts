import type { Sotto } from '@sotto/client'
import type { PageConfig } from '../serve.ts'
import type { Camera } from './camera.ts'
import { show } from './elements.ts'
import { askWho } from './match.ts'
import { type Figures, showMatches } from './view.ts'

/** Frames on their way at once: one is computed while the next is encrypted. */
const IN_FLIGHT = 2
/** Failures in a row after which the page gives up. */
const MAX_FAILURES = 5
const PAUSE_MS = 1000

/**
 * Sends frame after frame until `signal`, and shows what comes back. A busy service is asked again after a moment; what
 * must not go on ends it.
 * @throws what the client throws, when it says to stop or fails again and again
 */
export async function watch(
  sotto: Sotto,
  config: PageConfig,
  camera: Camera,
  figures: Figures,
  signal: AbortSignal,
): Promise<void> {
  let [taken, shown, failures] = [0, 0, 0]
  const ends = new AbortController()
  const either = AbortSignal.any([signal, ends.signal])
  async function send(): Promise<void> {
    while (!either.aborted) {
      // A hidden page is not looked at, and sees nothing.
      if (document.hidden) await untilShown(either)
      if (either.aborted) return
      const frame = ++taken
      const started = performance.now()
      try {
        const { matches, hasReceipt } = await askWho(sotto, config, camera.grab(), either)
        if (either.aborted) return
        failures = 0
        show('trouble', '')
        figures.add(performance.now() - started, hasReceipt)
        if (frame > shown) showMatches(matches)
        shown = Math.max(shown, frame)
      } catch (error) {
        if (either.aborted) return
        if ((error as { action?: string }).action !== 'retry' || ++failures >= MAX_FAILURES) throw error
        show('trouble', `Waiting for the service: ${(error as Error).message}`)
        await moment(either)
      }
    }
  }
  try {
    await Promise.all(Array.from({ length: IN_FLIGHT }, send))
  } finally {
    ends.abort()
  }
}

/** {@link PAUSE_MS}, or less: the camera goes off when this returns. */
function moment(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer)
      signal.removeEventListener('abort', done)
      resolve()
    }
    const timer = setTimeout(done, PAUSE_MS)
    signal.addEventListener('abort', done, { once: true })
  })
}

function untilShown(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => resolve()
    document.addEventListener('visibilitychange', done, { once: true, signal })
    signal.addEventListener('abort', done, { once: true })
  })
}
