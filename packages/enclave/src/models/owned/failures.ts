import { SottoError } from '@sotto/protocol/errors'

/** How long a load that failed is not tried again, milliseconds: a broken model must not keep an enclave busy. */
const FAILURE_MS = 30_000
/** The same where another moment may be enough. */
const RETRY_MS = 2000
const MAX_REMEMBERED = 256

/** Loads that failed lately. */
export interface Failures {
  /** Why this one failed, while it is remembered. */
  find(key: string): Error | undefined
  add(key: string, reason: Error): void
}

/** Makes an empty memory. @param now milliseconds that never go back */
export function createFailures(now: () => number): Failures {
  const failed = new Map<string, { reason: Error; until: number }>()
  return {
    find(key) {
      const entry = failed.get(key)
      if (entry === undefined || entry.until > now()) return entry?.reason
      failed.delete(key)
      return undefined
    },
    add(key, reason) {
      const isRetry = reason instanceof SottoError && reason.action === 'retry'
      failed.delete(key)
      failed.set(key, { reason, until: now() + (isRetry ? RETRY_MS : FAILURE_MS) })
      if (failed.size > MAX_REMEMBERED) failed.delete(failed.keys().next().value!)
    },
  }
}
