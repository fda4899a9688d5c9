import { parseTrustBundle, type TrustBundle } from '@sotto/protocol/evidence'
import type { TrustedService, Verdict } from '@sotto/verifier'
import { VerificationRefused } from '../errors.ts'
import { checkOnce, type TrustSource } from './check.ts'

/** A verdict that is kept until it runs out. Concurrent callers share one verification. */
export interface TrustSession {
  /** The verdict in force. After a refusal: that refusal. */
  readonly verdict: Verdict
  /** The bundle that the verdict in force is about. */
  readonly bundle: Uint8Array
  /** The bundle that opened this service, which {@link current} or {@link renew} of this session gave; the same object each time. */
  bundleOf(this: void, service: TrustedService): TrustBundle
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
  /** Of services that somebody still holds. Bytes until somebody asks. */
  const bundles = new WeakMap<TrustedService, Uint8Array | TrustBundle>()

  async function verify(cancel?: AbortSignal): Promise<TrustedService> {
    const result = await checkOnce(source, cancel)
    verdict = result.verdict
    bundle = result.bytes
    if (result.service === undefined) throw new VerificationRefused(result.verdict)
    bundles.set(result.service, bundle)
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
    bundleOf(of) {
      const kept = bundles.get(of)!
      const parsed = kept instanceof Uint8Array ? parseTrustBundle(kept) : kept
      bundles.set(of, parsed)
      return parsed
    },
    async current() {
      return verdict.ok && source.now() < verdict.validUntil ? service : shared()
    },
    async renew(stale) {
      return service === stale ? shared() : service
    },
  }
}
