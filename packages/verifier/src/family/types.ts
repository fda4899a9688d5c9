import type { Step } from '../result.ts'

/** Kinds of evidence, each with its own format, vendor roots and checks. */
export const FAMILIES = [
  'sev-snp',
  'tdx',
  'sgx',
  'nitro',
  'nvidia',
  'azure-cvm',
  'azure-maa',
  'gcp-confidential-space',
] as const

/** Name of a kind of evidence. */
export type Family = (typeof FAMILIES)[number]

/**
 * Why evidence is refused, in classes that do not change: each failed step carries one.
 * - `malformed`: not the format it claims to be (lengths, versions, reserved bytes, trailing data, duplicates).
 * - `algorithm`: an algorithm that is not on the list of this format, `none` above all.
 * - `signature`: the signature over the evidence itself does not verify.
 * - `chain`: the signing key does not lead to a pinned root.
 * - `expired`: a certificate, token or piece of collateral is not valid at the time of checking.
 * - `revoked`: a certificate is revoked or on hold.
 * - `collateral-missing`: something that acceptance needs was not given.
 * - `collateral-invalid`: given, but not authentic, or about something else.
 * - `certificate-binding`: a genuine certificate of another chip or firmware than the evidence names.
 * - `binding`: authentic, but bound to other data than expected (report data, nonce, user data).
 * - `debug`: its owner or operator can look inside.
 * - `guest-policy`: launched in a way that keeps no secret (migration, privilege level, feature bits).
 * - `tcb`: firmware or microcode below what the policy asks.
 * - `measurement`: another program, configuration or signer than the policy allows.
 * - `event-log`: the event log is not the one that was measured.
 * - `issuer`: a token of an issuer, audience or key that the policy does not name.
 * - `hardware`: a chip that the policy does not allow.
 */
export const REASONS = [
  'malformed',
  'algorithm',
  'signature',
  'chain',
  'expired',
  'revoked',
  'collateral-missing',
  'collateral-invalid',
  'certificate-binding',
  'binding',
  'debug',
  'guest-policy',
  'tcb',
  'measurement',
  'event-log',
  'issuer',
  'hardware',
] as const

/** One of {@link REASONS}. */
export type Reason = (typeof REASONS)[number]

/** A value that can stand in a JSON document. */
export type FieldValue = string | number | boolean | null | readonly FieldValue[] | FieldObject

/** Fields by name. */
export interface FieldObject {
  readonly [name: string]: FieldValue
}

/** Pieces that come with evidence (certificates, CRLs, TCB information, RIMs …), by name. Untrusted until a step says so. */
export type Collateral = Readonly<Record<string, Uint8Array>>

/**
 * When a vendor issued a piece that came with evidence and was used for the verdict: verified, and about this evidence.
 * - `collateral`: TCB information and identities.
 * - `revocation`: revocation lists and answers.
 * - `root-list`: revocation lists of roots, which issue one a year.
 */
export interface CollateralDate {
  readonly kind: 'collateral' | 'revocation' | 'root-list'
  /** Unix seconds. */
  readonly issuedAt: number
}

/** What is judged, and when. Everything a verdict depends on: no clock, no network, no file. */
export interface EvidenceInput<Policy> {
  /** As the hardware or service gave it. */
  evidence: Uint8Array
  collateral: Collateral
  /** Time of checking, seconds since the Unix epoch. */
  at: number
  /** Left out means strict: nothing is allowed that weakens a guarantee. */
  policy?: Policy
  /**
   * True where the caller fetched the key sets among the collateral from the service itself. Left out, a key set
   * proves nothing, for whoever hands over evidence could have made it: a key counts only when a pinned root
   * certified it or the policy names it.
   */
  trustKeySets?: boolean
  /**
   * What the evidence must be bound to. Left out, nothing is compared, the binding step says so and the
   * verdict is about the evidence alone; an empty value is refused, never skipped.
   */
  expectedReportData?: Uint8Array
}

/** What is known about one piece of evidence. */
export interface EvidenceVerdict {
  family: Family
  /** The bytes are what the hardware or service signed: structure, signature, chain to a pinned root, binding, and nothing given beside them is forged. */
  authentic: boolean
  /** Authentic, and everything the policy asks of it holds. */
  acceptable: boolean
  /** Class of the first step that failed; null when acceptable. */
  reason: Reason | null
  steps: Step[]
  /** What the evidence says, with names of the vendor's specification in snake case. Proven only as far as the steps say. */
  fields: FieldObject
  /** Whom one trusts by accepting it, in words (T8). */
  trustedParties: readonly string[]
  /** Dates of everything verified that has one; a piece that no check used leaves none. */
  dates: readonly CollateralDate[]
  /** The verdict must be computed again after this instant (shortest validity in it), Unix seconds; null where nothing expires. */
  validUntil: number | null
}
