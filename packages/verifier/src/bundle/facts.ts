import type { TrustBundle } from '@sotto/protocol/evidence'
import type { Genesis, KeyReleasePolicy, KeySet, ReleaseStatement } from '@sotto/protocol/keyrelease'
import type { Checkpoint, Note, VerifiedCheckpoint } from '@sotto/protocol/note'
import type { EvidenceAppraisal, EvidencePiece } from '../appraisal/index.ts'
import type { AllowedKem, TrustPolicy } from '../policy/index.ts'

/** What the caller brings besides bundle and policy. */
export interface BundleContext {
  /** Unix seconds. */
  now: number
  /** The newest checkpoint this client accepted before; absent on first use. */
  lastCheckpoint?: { size: number; root: Uint8Array }
  /** RFC 6962 consistency proof from the smaller to the larger of `lastCheckpoint` and the bundle's checkpoint. */
  consistency?: readonly Uint8Array[]
  /**
   * What this caller had evidence made for, base64url: then the bundle has to be bound to it, and the verdict has a step more,
   * `kms.nonce`. Absent: whatever a bundle says of a nonce makes no difference.
   */
  nonce?: string
}

/** A request key that passed every check. */
export interface UsableKey {
  keyId: number
  kem: AllowedKem
  /** RFC 9458 key configuration, without length prefix. */
  config: Uint8Array
  notBefore: number
  notAfter: number
}

/** What checks establish for later checks. A fact exists only once it is proven. */
export interface Facts {
  bundle: TrustBundle
  policy: TrustPolicy
  context: BundleContext
  note?: Note
  unwitnessed?: Checkpoint
  checkpoint?: VerifiedCheckpoint
  /** The largest tree this client now knows. */
  newest?: { size: number; root: Uint8Array }
  genesis?: Genesis
  genesisDigest?: string
  /** Evidence of the KMS as bytes: decoded once. */
  kmsPieces?: readonly EvidencePiece[]
  /** Of the KMS. */
  evidence?: EvidenceAppraisal
  boundCheckpoint?: VerifiedCheckpoint
  isBound?: true
  /** With proven signature and inclusion. */
  releases?: ReleaseStatement[]
  kmsRelease?: ReleaseStatement
  /** Per tuple of the key-release policy whose role gets requests, every release statement that covers it. */
  workloads?: ReadonlyMap<string, readonly ReleaseStatement[]>
  /** The same of tuples of role room, which get the keys of runs of contracts and no request. */
  rooms?: ReadonlyMap<string, readonly ReleaseStatement[]>
  /** The same of tuples of role kms: those that may take over from the one that is verified. */
  successors?: ReadonlyMap<string, readonly ReleaseStatement[]>
  signingKey?: Uint8Array
  certificateNotAfter?: number
  keySet?: KeySet
  keyPolicy?: KeyReleasePolicy
  keyPolicyDigest?: string
  allowedKeys?: UsableKey[]
  usableKeys?: UsableKey[]
}
