import { equalBytes } from '@sotto/protocol/bytes'
import { SottoError } from '@sotto/protocol/errors'
import type { Digest, LoggedStatement, UnixSeconds } from '@sotto/protocol/keyrelease'
import {
  startElapsed,
  type DateWindow,
  type HeldKey,
  type KeyRing,
  type ServingIdentity,
} from '../gateway/index.ts'
import {
  certifyReceipts,
  createReceiptCertificates,
  publishTrust,
  type PublishedTrust,
} from '../trust/index.ts'
import { releaseError } from './errors.ts'
import { obtainKeys, verifyKms, type ObtainContext, type Obtained } from './obtain.ts'

/** How often an enclave looks for a new epoch and a newer checkpoint. */
export const TICK_SECONDS = 30
/** Evidence is collected again after this long, well before any policy calls it old. */
const REATTEST_SECONDS = 1800

/** What {@link createKeeper} needs. */
export interface KeeperOptions extends ObtainContext {
  keys: KeyRing
  /**
   * Opened with the first keys, not before: by then witnesses have vouched for a tree that holds the receipt of this very
   * release, so whatever another process answered under these keys was dated before (T12).
   */
  dates?: Pick<DateWindow, 'open'>
  /** Milliseconds on a clock that never goes back. Default `performance.now`. */
  monotonicNow?: () => number
  /** Called with the content keys of every release; they are zeroed afterwards. */
  onArtifacts?: (artifacts: ReadonlyMap<string, Uint8Array>) => Promise<void>
}

/** Keeps this enclave attested: keys of the current epoch, a fresh bundle, a certified receipt key. */
export interface Keeper {
  /** First release. @throws the codes of `obtainKeys` */
  start(): Promise<void>
  /** Looks for a new epoch; renews evidence when due. @throws as `start`; what is held stays until it expires */
  tick(): Promise<void>
  /** As whom answers are signed; undefined when nothing is held or what is held is too old to serve. */
  identity(): ServingIdentity | undefined
  /** Why nothing is served; undefined while something is. */
  idleBecause(): IdleReason | undefined
  published(): PublishedTrust | undefined
  /**
   * A bundle whose evidence the KMS makes for this nonce, verified; nothing of it is kept. It costs a report of the KMS's
   * hardware: pace it.
   * @param nonce 16 to 64 bytes, base64url
   * @throws those of `verifyKms`, `RELEASE_DENIED`
   */
  bundleFor(nonce: string): Promise<Uint8Array>
  /** The newest receipt of a release to this boot. */
  receipt(): LoggedStatement | undefined
  /** Receipt certificate of the release to this evidence while it is remembered, or of the newest. */
  certificate(evidence?: Digest): Uint8Array | undefined
}

/**
 * `NOT_ATTESTED`: no keys, or none that still lives. `WITNESSES_SILENT`: there are keys, but the newest checkpoint
 * that witnesses vouched for is too old: cut off from log and witnesses, an enclave does not know what time it is and
 * what was revoked meanwhile (T13).
 */
export type IdleReason = 'NOT_ATTESTED' | 'WITNESSES_SILENT'

/** Makes a {@link Keeper}. Ticks must not overlap. */
export function createKeeper(options: KeeperOptions): Keeper {
  const { now, policy, log, keys, monotonicNow = () => performance.now() } = options
  const clocks = { now, monotonicNow }
  const certificates = createReceiptCertificates()
  let held: (Obtained & { elapsed: () => number }) | undefined
  let published: PublishedTrust | undefined
  /** The newest instant witnesses vouched for, and the seconds since. */
  let witnessed: { time: UnixSeconds; elapsed: () => number } | undefined

  function publish(trust: PublishedTrust): void {
    published = trust
    // A checkpoint shown again is as old as it was.
    if (witnessed !== undefined && trust.time <= witnessed.time) return
    witnessed = { time: trust.time, elapsed: startElapsed(clocks, trust.time) }
  }

  async function obtain(): Promise<void> {
    const obtained = await obtainKeys(options)
    const verified = await verifyKms(options)
    if (!equalBytes(verified.service.signingKey, obtained.kmsKey)) {
      // The KMS restarted between the two answers: its certificate would not fit our release.
      throw releaseError('RELEASE_KMS_UNREACHABLE', 'the KMS changed its statement key meanwhile')
    }
    const certificate = await certifyReceipts(verified, obtained.receipt, log)
    await options.onArtifacts?.(obtained.artifacts)
    for (const contentKey of obtained.artifacts.values()) contentKey.fill(0)
    // All at once: a receipt names a key of its own release, and is provable before it is signed.
    certificates.add(obtained.identity.evidence, certificate)
    const { identity } = obtained
    // `certifyReceipts` proved the receipt under the newest checkpoint, whose time `verifyKms` observed.
    options.dates?.open()
    keys.install(preferred(obtained.keys.map((key) => ({ ...key, identity }))))
    held = { ...obtained, elapsed: startElapsed(clocks) }
    publish(publishTrust(verified))
  }

  function idleBecause(): IdleReason | undefined {
    if (held === undefined || witnessed === undefined || keys.configs === undefined) return 'NOT_ATTESTED'
    return witnessed.elapsed() < policy.checkpointMaxAgeSeconds ? undefined : 'WITNESSES_SILENT'
  }

  return {
    start: obtain,
    async tick() {
      keys.wipeExpired()
      const verified = await verifyKms(options)
      const isSameEpoch = held !== undefined && verified.service.keySet.epoch === held.epoch
      if (!isSameEpoch || held!.elapsed() >= REATTEST_SECONDS) return obtain()
      publish(publishTrust(verified))
      return undefined
    },
    identity: () => (idleBecause() === undefined ? held?.identity : undefined),
    idleBecause,
    published: () => published,
    bundleFor: async (nonce) => publishTrust(await verifyKms(options, nonce)).bundle,
    receipt: () => held?.receipt,
    certificate: (evidence) => certificates.find(evidence),
  }
}

/** X-Wing first: clients that take the first key they know take the strongest. */
function preferred(keys: readonly HeldKey[]): HeldKey[] {
  const rank = ({ key }: HeldKey): number => (key.config.kemId === 0x647a ? 0 : 1)
  return [...keys].sort((a, b) => rank(a) - rank(b) || b.notAfter - a.notAfter)
}

/** Whether an attempt is worth repeating. */
export function isRetryable(error: unknown): boolean {
  return error instanceof SottoError && error.action === 'retry'
}
