import type { Sotto } from '../types.ts'

/** What a proxy knows of the verdict. */
export type Verified = Pick<Sotto, 'trust'> & Partial<Pick<Sotto, 'verify'>>

/** Whether requests would be sent now: every required step passed, and not too long ago. */
export function isVerified({ trust }: Verified, nowSeconds: number): boolean {
  return trust.ok && nowSeconds < trust.validUntil
}

/**
 * Verifies again whenever the verdict has run out, so that it holds before somebody asks: a proxy that waits for a request
 * would say that it is not ready, and get none. Tells when it starts or ceases to hold. The result ends it.
 *
 * @param now seconds since the Unix epoch
 */
export function keepVerified(
  sotto: Verified,
  now: () => number,
  periodMs: number,
  onChange: (holds: boolean) => void,
): () => void {
  let held = isVerified(sotto, now())
  let isRunning = false

  async function look(): Promise<void> {
    if (isRunning) return
    isRunning = true
    try {
      // A refusal is the verdict from then on; what could not be decided is tried again.
      if (!isVerified(sotto, now())) await sotto.verify?.()
    } catch {
      // Requests say why, each for itself.
    } finally {
      isRunning = false
    }
    const holds = isVerified(sotto, now())
    if (holds !== held) onChange(holds)
    held = holds
  }
  const timer = setInterval(() => void look(), periodMs)
  timer.unref()
  return () => clearInterval(timer)
}
