import type { JsonValue } from '@sotto/protocol/jcs'
import type { AdmissionTuple, EvidenceFamily } from '@sotto/protocol/keyrelease'

export type { AdmissionTuple, Component, Window } from '@sotto/protocol/keyrelease'

/** What a policy may ask for: kinds of hardware evidence, and the software TEE, which never stands beside them (T10). */
export type PolicyFamily = EvidenceFamily

/** A JSON object as it stands in a policy. */
export type JsonObject = { readonly [name: string]: JsonValue }

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
