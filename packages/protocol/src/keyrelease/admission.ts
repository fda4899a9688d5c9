/** What evidence is, and what it must be to be admitted. */
import type { JsonValue } from '../jcs/index.ts'
import type { UnixSeconds } from './types.ts'

/** Roles that have an image. A `room` gets no request keys: content keys of contracts, run by run (see `contract/`). */
export const ROLES = ['kms', 'inference', 'room'] as const
export type Role = (typeof ROLES)[number]

/** Kinds of evidence. `software` is the laptop TEE, refused unless the policy names its root. */
export const EVIDENCE_FAMILIES = [
  'sev-snp',
  'tdx',
  'sgx',
  'nitro',
  'nvidia',
  'azure-cvm',
  'azure-maa',
  'gcp-confidential-space',
  'software',
] as const

/** Name of a kind of evidence. */
export type EvidenceFamily = (typeof EVIDENCE_FAMILIES)[number]

/** When something holds, Unix seconds, both ends included. A missing end is open. */
export interface Window {
  notBefore?: UnixSeconds
  notAfter?: UnixSeconds
}

/**
 * What one piece of evidence must satisfy: its family and the members of that family's own policy, which the
 * verifier reads. An entry of any list in it may be `{value, notBefore?, notAfter?}` instead of the bare value.
 */
export type Component = { readonly [name: string]: JsonValue } & { readonly family: EvidenceFamily }

/** One admissible platform and workload. All of it holds (allOf); values of two tuples never mix. */
export interface AdmissionTuple extends Window {
  /** For people and for the verdict, 1-64 characters of [a-z0-9.-]. */
  name: string
  /** 1-4 components, each of another family, at least one of them a processor or a service that vouches for one. */
  allOf: Component[]
  /**
   * With a GPU, mandatory: how many there may be. The evidence of the processor commits to digest and
   * count of theirs (T9).
   */
  gpuBinding?: { minGpus: number; maxGpus: number }
}

/** One workload that may hold keys. */
export interface PolicyTuple extends AdmissionTuple {
  role: Role
}

/** One piece of evidence and what came with it. Everything in it is its sender's claim. */
export interface EvidencePiece {
  family: EvidenceFamily
  /** As the hardware or service gave it. */
  evidence: string
  /** Certificates, revocation lists, TCB information, reference values …, by name: at most 64. */
  collateral: Record<string, string>
}

/**
 * Evidence of one machine with everything needed to verify it offline: 1-20 pieces, of a processor, of a
 * service that vouches for it, and of GPUs.
 */
export type Evidence = EvidencePiece[]
