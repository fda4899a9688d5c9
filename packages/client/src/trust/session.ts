import type { TrustedService, Verdict } from '@sotto/verifier'
import { VerificationRefused } from '../errors.ts'
import { checkOnce, type TrustSource } from './check.ts'

/** A verdict that is kept until it runs out. Concurrent callers share one verification. */
export interface TrustSession {
  /** The verdict in force. After a refusal: that refusal. */
  readonly verdict: Verdict
  /** The bundle that the verdict in force is about. */
  readonly bundle: Uint8Array
  /**
   * What the verdict opens; verifies again first when it has run out.
   * @throws `VERIFY_REFUSED`, `BUNDLE_UNREACHABLE`, `BUNDLE_INVALID`: the caller sends nothing
   */
  current(): Promise<TrustedService>
  /** Verifies again now, because the gateway no longer knows the key `stale`. Does nothing when that has happened since. */
  renew(stale: TrustedService): Promise<TrustedService>
}

/** Verifies once and keeps the result. @throws as {@link TrustSession.current} */
export async function openTrustSession(source: TrustSource, signal?: AbortSignal): Promise<TrustSession> {
  let verdict!: Verdict
  let service!: TrustedService
  let bundle!: Uint8Array
  let running: Promise<TrustedService> | undefined

  async function verify(cancel?: AbortSignal): Promise<TrustedService> {
    const result = await checkOnce(source, cancel)
    verdict = result.verdict
    bundle = result.bytes
    if (result.service === undefined) throw new VerificationRefused(result.verdict)
    return (service = result.service)
  }
  // Later verifications serve several requests, so no single request's signal may cancel them.
  function shared(): Promise<TrustedService> {
    running ??= verify().finally(() => (running = undefined))
    return running
  }

  await verify(signal)
  return {
    get verdict() {
      return verdict
    },
    get bundle() {
      return bundle
    },
    async current() {
      return verdict.ok && source.now() < verdict.validUntil ? service : shared()
    },
    async renew(stale) {
      return service === stale ? shared() : service
    },
  }
}
