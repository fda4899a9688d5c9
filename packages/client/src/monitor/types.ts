import type { Digest, Ed25519Key } from '@sotto/protocol/keyrelease'
import type { TrustPolicy } from '@sotto/verifier'

/** Which log is followed, and who must have seen what it signs. */
export interface FollowedLog {
  /** First line of its checkpoints. */
  origin: string
  /** C2SP verifier key. */
  key: string
  witnesses: TrustPolicy['witnesses']
  /** By witness time; a checkpoint that is older is an alert. */
  checkpointMaxAgeSeconds: number
}

/** What is expected of one KMS. */
export interface Expectations {
  /** Digest of its genesis. Absent: the first genesis in the log, whoever made it. */
  genesis?: Digest
  /** Who signs release statements. Absent: whom the genesis names. */
  releaseKeys?: readonly Ed25519Key[]
  /** Token issuers to watch: keys that sign their statements. */
  issuerKeys?: readonly Ed25519Key[]
  /** Digests that no release may name. */
  revoked: readonly string[]
  minSecurityVersion: { kms: number; inference: number }
  /** Boots of the KMS within 24 hours; more are an alert. */
  maxBootsPerDay: number
}

/** How serious something is does not depend on the reader: every alert is something that must not happen. */
export interface Alert {
  code: AlertCode
  /** One line, for people. */
  message: string
  /** Index of the entry in the log, where it is about one. */
  index?: number
  expected?: string
  found?: string
}

/**
 * Codes of alerts, stable for scripts.
 *
 * About the log itself:
 * - `CHECKPOINT_UNSIGNED`: what it serves is not signed by its key.
 * - `CHECKPOINT_STALE`, `CHECKPOINT_FUTURE`: witness time too old, or ahead of this clock.
 * - `CHECKPOINT_WENT_BACK`: a smaller tree, cosigned later than a larger one.
 * - `WITNESS_QUORUM`: too few witnesses cosigned.
 * - `WITNESSES_NOT_INDEPENDENT`: those that did are run by the operator, or by too few organisations (T14).
 * - `SPLIT_VIEW`: two signed checkpoints contradict each other; the evidence is kept.
 * - `LOG_UNPROVEN`: what it serves does not lead to the root it signed, or is not served at all.
 * - `LOG_SILENT`: nothing new could be read for longer than a checkpoint may be old.
 *
 * About the watched KMS:
 * - `GENESIS_MALFORMED`: the watched genesis is none, or not signed by its own root key.
 * - `CERTIFICATE_UNSIGNED`, `CERTIFICATE_MALFORMED`: a statement key the root key did not certify.
 * - `CERTIFICATE_SUPERSEDED`: one that a root key certified after another had taken its place.
 * - `ROOT_UNSIGNED`, `ROOT_MALFORMED`: another root key that the one in force did not hand over to.
 * - `BOOT_TOO_OFTEN`: more boots within 24 hours than expected.
 * - `RELEASE_UNKNOWN_KEY`, `RELEASE_MALFORMED`: a release statement nobody accepted signed, or that contradicts itself.
 * - `RELEASE_OLDER`, `RELEASE_REVOKED`: a security version that decreases or is too low; a revoked digest.
 * - `DECISION_UNDECIDED`, `DECISION_UNCERTIFIED`: a key-release policy or another decision without enough members
 *   of the constitution in force, or put in its place by somebody else than the KMS.
 * - `RECORD_UNCERTIFIED`, `RECORD_MALFORMED`: the same of the members' history.
 * - `GOVERNANCE_GAP`, `GOVERNANCE_FORK`: a decision or record is missing, or has a second version.
 * - `POLICY_MALFORMED`, `POLICY_OLDER`: an accepted policy that means nothing, or is not younger than one before.
 * - `POLICY_TUPLE`: one that admits what no accepted release covers.
 * - `KEY_SET_UNCERTIFIED`, `KEY_SET_MALFORMED`: keys signed by no certified statement key, or no key set.
 * - `KEY_SET_DUPLICATE`: a second set for one epoch: somebody may have been given keys of their own (T3).
 * - `KEY_SET_GAP`, `KEY_SET_LINK`: an epoch is missing, or the link to the one before is broken.
 * - `KEY_SET_POLICY`: keys under a policy the log does not hold.
 * - `KEY_SET_CONSTITUTION`: a set under another constitution than the one in force.
 * - `KEY_LIFETIME`: a key that lives longer than a day and its grace (T4).
 * - `RECEIPT_UNCERTIFIED`, `RECEIPT_MALFORMED`, `RECEIPT_MISMATCH`: keys were released by somebody else, or under
 *   another policy or epoch than those of the log.
 * - `RECEIPT_HELD`: keys were released though a member had stopped that.
 * - `HANDOVER_UNCERTIFIED`, `HANDOVER_MALFORMED`, `HANDOVER_MISMATCH`: root secret and keys were handed over in another
 *   name than that of the newest boot, to a boot that was there before or an older release, or under a policy or
 *   root generation that is not in force (T15).
 * - `SHARES_UNCERTIFIED`, `SHARES_MALFORMED`, `SHARES_GAP`, `SHARES_FORK`: shares of the root secret that the KMS did
 *   not make, that are missing, or have a second version.
 * - `SHARES_UNDECIDED`: shares for other custodians, or in another number, than before and than members decided (T15).
 * - `SHARES_MISMATCH`: a root key came into force that custodians have no shares of.
 * - `ROSTER_UNCERTIFIED`, `ROSTER_MALFORMED`, `ROSTER_MISMATCH`: a gateway spends tokens that got no keys, or the set of
 *   spent tokens holds less than before (T12).
 * - `RECEIPT_BATCH_UNCERTIFIED`, `RECEIPT_BATCH_MALFORMED`: digests of receipts that no enclave signed which keys were
 *   released to, or no batch of them.
 * - `RECEIPT_BATCH_GAP`, `RECEIPT_BATCH_FORK`: a batch of an enclave is missing, or has a second version (T16).
 *
 * About watched token issuers (T18):
 * - `ISSUER_KEYS_MALFORMED`: what the issuer signed is no statement of keys.
 * - `ISSUER_KEYS_GAP`, `ISSUER_KEYS_FORK`: a statement is missing, or has a second version; a key changed.
 * - `ISSUER_KEYS_TOO_MANY`: more than two keys of a class live at a time, so that clients could be told apart.
 */
export type AlertCode =
  | 'CHECKPOINT_UNSIGNED'
  | 'CHECKPOINT_STALE'
  | 'CHECKPOINT_FUTURE'
  | 'CHECKPOINT_WENT_BACK'
  | 'WITNESS_QUORUM'
  | 'WITNESSES_NOT_INDEPENDENT'
  | 'SPLIT_VIEW'
  | 'LOG_UNPROVEN'
  | 'LOG_SILENT'
  | 'GENESIS_MALFORMED'
  | 'CERTIFICATE_UNSIGNED'
  | 'CERTIFICATE_MALFORMED'
  | 'CERTIFICATE_SUPERSEDED'
  | 'ROOT_UNSIGNED'
  | 'ROOT_MALFORMED'
  | 'BOOT_TOO_OFTEN'
  | 'RELEASE_UNKNOWN_KEY'
  | 'RELEASE_MALFORMED'
  | 'RELEASE_OLDER'
  | 'RELEASE_REVOKED'
  | 'DECISION_UNDECIDED'
  | 'DECISION_UNCERTIFIED'
  | 'RECORD_UNCERTIFIED'
  | 'RECORD_MALFORMED'
  | 'GOVERNANCE_GAP'
  | 'GOVERNANCE_FORK'
  | 'POLICY_MALFORMED'
  | 'POLICY_OLDER'
  | 'POLICY_TUPLE'
  | 'KEY_SET_UNCERTIFIED'
  | 'KEY_SET_MALFORMED'
  | 'KEY_SET_DUPLICATE'
  | 'KEY_SET_GAP'
  | 'KEY_SET_LINK'
  | 'KEY_SET_POLICY'
  | 'KEY_SET_CONSTITUTION'
  | 'KEY_LIFETIME'
  | 'RECEIPT_UNCERTIFIED'
  | 'RECEIPT_MALFORMED'
  | 'RECEIPT_MISMATCH'
  | 'RECEIPT_HELD'
  | 'HANDOVER_UNCERTIFIED'
  | 'HANDOVER_MALFORMED'
  | 'HANDOVER_MISMATCH'
  | 'SHARES_UNCERTIFIED'
  | 'SHARES_MALFORMED'
  | 'SHARES_GAP'
  | 'SHARES_FORK'
  | 'SHARES_UNDECIDED'
  | 'SHARES_MISMATCH'
  | 'ROSTER_UNCERTIFIED'
  | 'ROSTER_MALFORMED'
  | 'ROSTER_MISMATCH'
  | 'RECEIPT_BATCH_UNCERTIFIED'
  | 'RECEIPT_BATCH_MALFORMED'
  | 'RECEIPT_BATCH_GAP'
  | 'RECEIPT_BATCH_FORK'
  | 'ISSUER_KEYS_MALFORMED'
  | 'ISSUER_KEYS_GAP'
  | 'ISSUER_KEYS_FORK'
  | 'ISSUER_KEYS_TOO_MANY'

/** Keeps what a monitor knows between rounds: one text, written whole and durable when `save` returns. */
export interface MonitorStore {
  load(): Promise<string | undefined>
  save(text: string): Promise<void>
}
