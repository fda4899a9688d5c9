import type { Evidence } from '../keyrelease/admission.ts'
import type { KmsBinding, LoggedStatement } from '../keyrelease/types.ts'

/** Hashes (hexadecimal) of an RFC 6962 proof, in the order the RFC defines. */
export type MerkleProof = string[]

/** A logged statement with its inclusion proof under {@link TrustBundle.checkpoint}. */
export interface ProvenStatement extends LoggedStatement {
  proof: MerkleProof
}

/**
 * Everything a client needs to decide, in one document (at most 1 MiB); the same bytes for
 * everybody, so the relay may cache it. Nothing in it is trusted until `verifyTrustBundle` says so:
 * the operator composes it.
 */
export interface TrustBundle {
  version: 1
  /** Latest signed note (C2SP tlog-checkpoint) with witness cosignatures; all proofs are under it. */
  checkpoint: string
  genesis: ProvenStatement
  kms: {
    evidence: Evidence
    binding: KmsBinding
    /** The note whose hash {@link KmsBinding.checkpoint} is. */
    boundCheckpoint: string
    /** RFC 6962 consistency from `boundCheckpoint` to `checkpoint`. */
    consistency: MerkleProof
    certificate: ProvenStatement
  }
  /** Successions from the root key of the genesis to the one behind the certificate, oldest first; absent: none. */
  roots?: ProvenStatement[]
  /** Release statements of the KMS and of every tuple of the policy. At most 32. */
  releases: ProvenStatement[]
  /** Decisions that lead from the genesis to the constitution in force, oldest first. At most 32. */
  governance: ProvenStatement[]
  /** The decision by which members accepted the key-release policy. */
  policy: ProvenStatement
  keySet: ProvenStatement
}
