import type { JsonValue } from '@sotto/protocol/jcs'
import type { Family } from '../family/index.ts'

/** What a policy may ask for: kinds of hardware evidence, and the software TEE, which never stands beside them (T10). */
export type PolicyFamily = Family | 'software'

/** When something holds, Unix seconds, both ends included. A missing end is open. */
export interface Window {
  notBefore?: number
  notAfter?: number
}

/** A JSON object as it stands in a policy. */
export type JsonObject = { readonly [name: string]: JsonValue }

/**
 * What one piece of evidence must satisfy: its family and the members of that family's own policy.
 * An entry of any list in it may be `{value, notBefore?, notAfter?}` instead of the bare value.
 */
export type Component = JsonObject & { readonly family: PolicyFamily }

/** One admissible platform and workload. All of it holds (allOf); values of two tuples never mix. */
export interface AdmissionTuple extends Window {
  /** For people and for the verdict, 1-64 characters of [a-z0-9.-]. */
  name: string
  /** 1-4 components, each of another family, at least one of them a processor or a service that vouches for one. */
  allOf: Component[]
  /**
   * With a GPU, mandatory: how many there may be. The evidence of the processor commits to digest and
   * count of theirs (T9, see `gpu-commitment.ts`).
   */
  gpuBinding?: { minGpus: number; maxGpus: number }
}

/**
 * - `nonce`: bound to a value handed out for this check; its age counts.
 * - `age`: the age the evidence states of itself under its signature, or where it states none, that of
 *   what it is bound to.
 */
export type Freshness = 'nonce' | 'age'

/** Which evidence is acceptable: a document of its owner, never fetched from whom it judges. */
export interface EvidencePolicy {
  version: 1
  /** For people, 1-64 characters. */
  name: string
  /** 1-16 tuples, of which one admits. Hardware and software TEE never share a policy (T10). */
  anyOf: AdmissionTuple[]
  freshness: Freshness
  /** 1-86400 (T6). */
  evidenceMaxAgeSeconds: number
  /** Since the vendor issued TCB information and identities: 1 second to 366 days. Absent: as long as each says itself. */
  collateralMaxAgeSeconds?: number
  /**
   * Since the vendor issued revocation lists and answers: 1 second to 366 days. With it they must be there,
   * where the family has any; lists of roots, issued once a year, may be as old as they say themselves. Absent:
   * all as long as they say themselves, and missing ones as the family's own policy says.
   */
  revocationMaxAgeSeconds?: number
}
