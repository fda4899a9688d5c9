import type { AcceptedDataUse } from '@sotto/protocol/data-use'
import type { Digest, Ed25519Key } from '@sotto/protocol/keyrelease'
import type { Platforms } from '../workload/index.ts'
import type { StepName } from './steps.ts'

/** Key encapsulation mechanisms a policy may allow for requests (floor of T5). */
export type AllowedKem = 'X-Wing' | 'X25519' | 'P-384'

/**
 * What a relying party accepts: pinned by its owner, never fetched from the operator. The same
 * document is in a client's hands and in an enclave's configuration.
 */
export interface TrustPolicy extends Platforms {
  version: 1
  /** For people, 1-64 characters. */
  name: string
  /**
   * Every step of the verdict that must pass: skipped is not enough. All of {@link ALWAYS_REQUIRED}, and
   * which of {@link REQUIRED_BY_CHOICE} the owner wants. The list can make a verdict stricter, never laxer.
   */
  require: StepName[]
  /** SHA-256 of the one accepted genesis (T1). */
  genesis: Digest
  /** Whose release statements are accepted. At least one. */
  releaseKeys: Ed25519Key[]
  /** Digests refused whatever the log says: of an image, an app, or what evidence reports; 64-128 hexadecimal characters. */
  revoked: string[]
  /** Smallest accepted `securityVersion` per role. */
  minSecurityVersion: { kms: number; inference: number; /** Default 0. */ room?: number }
  log: { origin: string; /** C2SP verifier key */ key: string }
  witnesses: {
    keys: {
      /** C2SP verifier key */ key: string
      organisation: string
      /** run by the operator: counts zero (T14) */ operator: boolean
    }[]
    /** Distinct accepted witnesses that must have cosigned. */
    quorum: number
    /** The demo only: operator-run witnesses count, and the verdict says so. */
    allowOperatorWitnesses: boolean
  }
  /** What whoever gets the content may do with it (T20). Absent: whatever a release declares, or none. */
  dataUse?: AcceptedDataUse
  /**
   * SHA-256 of the code of the apps of which every workload has to run one, 1-16. Absent: a workload that runs an app is
   * refused, because an app gets requests in clear.
   */
  apps?: Digest[]
  kems: AllowedKem[]
  /** By witness time of the latest checkpoint. Bound 1-3600 (T6). */
  checkpointMaxAgeSeconds: number
}
