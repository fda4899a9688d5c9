import type { Admission } from './admission.ts'
import { isVerified, type Verified } from './keep-verified.ts'
import type { Metrics } from './metrics.ts'

/** What gauges show. */
export interface GaugeSources {
  admission: Pick<Admission, 'running' | 'waiting'>
  sotto: Verified
  /** Seconds since the Unix epoch. */
  now: () => number
  /** Access tokens that are ready; undefined where none are used, or nobody knows. */
  tokens: () => number | undefined
}

/** Shows how busy a proxy is, whether the verdict holds, and what is left of tokens. */
export function showGauges(metrics: Metrics, { admission, sotto, now, tokens }: GaugeSources): void {
  metrics.gauge('sotto_proxy_in_flight', 'Requests under way.', () => admission.running)
  metrics.gauge('sotto_proxy_waiting', 'Requests that wait for a place.', () => admission.waiting)
  metrics.gauge('sotto_proxy_verified', '1 while the verdict holds, so that requests are sent.', () =>
    isVerified(sotto, now()) ? 1 : 0,
  )
  metrics.gauge(
    'sotto_proxy_verdict_expires_timestamp_seconds',
    'When the verdict runs out.',
    () => sotto.trust.validUntil,
  )
  metrics.gauge('sotto_proxy_tokens', 'Access tokens that are ready.', tokens)
}
