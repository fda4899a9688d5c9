import { type ErrorAction, SottoError, type SottoErrorOptions } from '@sotto/protocol/errors'

/**
 * Codes of every {@link SottoError} thrown by this package (beside those of `@sotto/serve`,
 * `@sotto/protocol` and `@sotto/verifier`).
 *
 * Store:
 * - `KMS_STORE_IN_USE` (fix-input): another process holds the store.
 * - `KMS_STORE_SEALED` (stop): the store was sealed by another measurement or machine.
 * - `KMS_STORE_TAMPERED` (stop): a record was changed, swapped, removed or added from outside.
 * - `KMS_STORE_NEWER` (fix-input): a later version wrote the store.
 * - `KMS_STORE_FULL` (retry): the disk is full; nothing was changed.
 * - `KMS_STORE_FAILED` (retry): the store could not read or write; the change may or may not have happened.
 * - `KMS_STORE_ACCESS` (fix-input): no usable database URL, or the database refuses user, TLS or tables.
 * - `KMS_STANDBY` (retry): another replica serves, or may by now; ask that one.
 * - `KMS_STATE_ROLLED_BACK` (stop): the log knows a later state than the store (T11).
 *
 * State:
 * - `KMS_ROOT_FILE` (fix-input): the file beside the store that leads to the root secret is damaged, or of another source.
 * - `KMS_ROOT_MISMATCH` (stop): a root secret is not that of the root key in force.
 * - `KMS_GENESIS_MISMATCH` (fix-input): configuration and stored genesis differ; a genesis never changes.
 * - `KMS_NOT_READY` (retry): still starting.
 * - `KMS_NO_POLICY` (retry): no key-release policy was accepted yet, so there are no keys.
 * - `KMS_STALE` (retry): no fresh witnessed checkpoint for too long; nothing is released (T13).
 * - `KMS_KEY_IDS_EXHAUSTED` (retry): every key identifier may still be in somebody's cache.
 *
 * Custodians:
 * - `KMS_WAITING_FOR_CUSTODIANS` (retry): too few custodians have sent, or acknowledged, their shares so far (T15).
 * - `KMS_NOT_WAITING` (fix-input): this KMS has its root secret and takes no shares.
 * - `KMS_NO_SHARES` (fix-input): this KMS has no custodians, or the log no shares of its root secret.
 * - `KMS_SHARE_STALE` (fix-input): the share is of another generation, or for another session.
 * - `KMS_SHARE_FOREIGN` (stop): this is not the share the logged set commits to.
 * - `KMS_SHARE_DUPLICATE` (fix-input): the share of this custodian is here already.
 *
 * Handover:
 * - `KMS_PEER_UNREACHABLE` (retry): none of the peers answers, or what answers has nothing to hand over.
 * - `KMS_PEER_BUSY` (retry): the running KMS does not hand over now: it is held, stale, or asked too often.
 * - `KMS_PEER_REFUSED` (stop): the running KMS does not prove to be that of the pinned genesis, on a release that members accepted.
 * - `KMS_HANDOVER_DENIED` (stop): the running KMS refuses this one; `found` says why.
 * - `KMS_HANDOVER_INVALID` (stop): what was handed over is not what the running KMS has proven to have.
 * - `KMS_HANDOVER_UNCOVERED` (fix-input): no release statement of the policy in force covers the running KMS.
 * - `KMS_HANDOVER_DOWNGRADE` (stop): the security version of the next KMS is lower (T15).
 * - `KMS_ROOT_ROTATING` (retry): a new root secret is on its way into force.
 *
 * Key release of a managed HSM:
 * - `KMS_HSM_UNAVAILABLE` (retry): HSM, attestation service or identity endpoint does not answer, limits or fails.
 * - `KMS_HSM_REFUSED` (fix-input): one of them refuses: no such key, no permission, or its policy does not admit this machine.
 * - `KMS_HSM_ANSWER` (stop): an answer is not what was asked for: another key, altered, or too long.
 * - `KMS_HSM_POLICY` (stop): the release policy of the key can be changed, or would hand it to more than what is measured.
 * - `KMS_HSM_HARDWARE` (fix-input): the attestation service has no way to release a key to hardware of this kind.
 *
 * Requests:
 * - `KMS_REQUEST_MALFORMED` (fix-input): body or document is not what the route takes.
 * - `KMS_WRONG_GENESIS` (stop): the document is meant for another KMS (T1).
 * - `KMS_NOT_AUTHORIZED` (stop): no member signed it; of an import, not its owner.
 * - `KMS_POLICY_OLD` (fix-input): the policy is not younger than the current one, or lies in the future.
 * - `KMS_POLICY_TUPLE` (fix-input): a tuple has no logged release statement, or a root nobody configured.
 * - `KMS_POLICY_MIXED` (fix-input): software and hardware in one policy or one KMS (T10).
 * - `KMS_RELEASE_NOT_LOGGED` (stop): a release statement is not in the log where it should be.
 * - `KMS_EPOCH_CONFLICT` (fix-input): the rotation was proposed after another epoch.
 *
 * Governance:
 * - `KMS_HELD` (retry): a member stopped the release of keys; it goes on when members resume it.
 * - `KMS_HOLD_ENDED` (fix-input): a copy of a hold that members have ended.
 * - `KMS_STATEMENT_TIME` (fix-input): what a member or an owner signed lies in the future, or its time is over.
 * - `KMS_PROPOSAL_UNKNOWN` (fix-input): there is no such proposal.
 * - `KMS_PROPOSAL_CLOSED` (fix-input): the proposal was accepted, rejected or overtaken, or has expired.
 * - `KMS_PROPOSAL_OVERTAKEN` (fix-input): what is proposed can never come true from the present state.
 * - `KMS_PROPOSAL_UNSUPPORTED` (fix-input): this KMS cannot do what is proposed.
 * - `KMS_PROPOSALS_FULL` (retry): too many proposals are open, or of one member not over yet.
 * - `KMS_BALLOT_CAST` (fix-input): this member has voted on the proposal, and otherwise.
 *
 * Spent tokens:
 * - `KMS_SPENDING_PAUSED` (retry): it is not known yet, or no more, what was spent; nothing is answered meanwhile (T12).
 * - `KMS_SPENDING_FULL` (retry): no more spent tokens or gateways can be remembered.
 * - `KMS_SPEND_SESSION` (retry): the session or context is over; join the one that is offered.
 * - `KMS_SPENDER_UNKNOWN` (retry): the gateway has not joined, or with no receipt that is valid now.
 * - `KMS_SPEND_COUNTER` (stop): a gateway's request is older than its last one, or another under the same number.
 *
 * Release:
 * - `KMS_CHECKPOINT_STALE` (retry): the evidence binds a checkpoint that is too old.
 * - `KMS_CHECKPOINT_INVALID` (stop): the bound checkpoint is not of our log, or lacks witnesses.
 * - `KMS_EVIDENCE_REFUSED` (stop): the evidence is not authentic, or binds other values.
 * - `KMS_NOT_ADMITTED` (stop): the evidence is authentic, but no tuple of the policy admits it.
 *
 * Release to clients of another dialect:
 * - `KMS_TOKEN_REFUSED` (fix-input): there is no attestation token, or it is not authentic, or vouches for no key.
 * - `KMS_TOKEN_KEYS` (retry): the keys of the token issuer cannot be fetched.
 * - `KMS_KEY_UNKNOWN` (fix-input): there is no key of this kind and identifier.
 * - `KMS_KEY_EXPIRED` (stop): the key of this identifier does not exist any more.
 * - `KMS_REFRESH_GOVERNED` (fix-input): members decide on new keys, not who connects.
 *
 * Artifacts:
 * - `KMS_ARTIFACT_POLICY` (fix-input): the owner's policy is none this KMS accepted.
 * - `KMS_ARTIFACT_OWNED` (fix-input): another owner imported this artifact first.
 * - `KMS_ARTIFACT_REPLAY` (fix-input): its owner made a later import of this artifact, or another in the same second.
 * - `KMS_ARTIFACT_REMOVED` (fix-input): its owner had this artifact, or the model it is imported for, removed afterwards.
 * - `KMS_ARTIFACTS_FULL` (retry): no room for more artifacts.
 * - `KMS_OWNER_UNKNOWN` (fix-input): members have not admitted this owner.
 * - `KMS_OWNER_QUOTA` (fix-input): the owner has as many artifacts, or policies, as members allow.
 * - `KMS_CONTRACT_UNKNOWN` (fix-input): no party has brought such a contract.
 * - `KMS_CONTRACT_OVER` (fix-input): the contract is closed, or its time is over.
 * - `KMS_CONTRACT_DATA` (stop): an input is not what its owner stated last, or what the parties agreed on.
 * - `KMS_CONTRACT_RUN` (stop): keys were released for no such run, or another result of it has left.
 * - `KMS_CONTRACT_BUSY` (retry): too many runs of the contract are under way.
 * - `KMS_FENCED` (stop): another instance of this KMS started later; this one serves no more (T11).
 */
export type KmsErrorCode =
  | 'KMS_STORE_IN_USE'
  | 'KMS_STORE_SEALED'
  | 'KMS_STORE_TAMPERED'
  | 'KMS_STORE_NEWER'
  | 'KMS_STORE_FULL'
  | 'KMS_STORE_FAILED'
  | 'KMS_STORE_ACCESS'
  | 'KMS_STANDBY'
  | 'KMS_STATE_ROLLED_BACK'
  | 'KMS_ROOT_FILE'
  | 'KMS_ROOT_MISMATCH'
  | 'KMS_GENESIS_MISMATCH'
  | 'KMS_NOT_READY'
  | 'KMS_NO_POLICY'
  | 'KMS_STALE'
  | 'KMS_KEY_IDS_EXHAUSTED'
  | 'KMS_WAITING_FOR_CUSTODIANS'
  | 'KMS_NOT_WAITING'
  | 'KMS_NO_SHARES'
  | 'KMS_SHARE_STALE'
  | 'KMS_SHARE_FOREIGN'
  | 'KMS_SHARE_DUPLICATE'
  | 'KMS_PEER_UNREACHABLE'
  | 'KMS_PEER_BUSY'
  | 'KMS_PEER_REFUSED'
  | 'KMS_HANDOVER_DENIED'
  | 'KMS_HANDOVER_INVALID'
  | 'KMS_HANDOVER_UNCOVERED'
  | 'KMS_HANDOVER_DOWNGRADE'
  | 'KMS_ROOT_ROTATING'
  | 'KMS_HSM_UNAVAILABLE'
  | 'KMS_HSM_REFUSED'
  | 'KMS_HSM_ANSWER'
  | 'KMS_HSM_POLICY'
  | 'KMS_HSM_HARDWARE'
  | 'KMS_REQUEST_MALFORMED'
  | 'KMS_WRONG_GENESIS'
  | 'KMS_NOT_AUTHORIZED'
  | 'KMS_POLICY_OLD'
  | 'KMS_POLICY_TUPLE'
  | 'KMS_POLICY_MIXED'
  | 'KMS_RELEASE_NOT_LOGGED'
  | 'KMS_EPOCH_CONFLICT'
  | 'KMS_HELD'
  | 'KMS_HOLD_ENDED'
  | 'KMS_STATEMENT_TIME'
  | 'KMS_PROPOSAL_UNKNOWN'
  | 'KMS_PROPOSAL_CLOSED'
  | 'KMS_PROPOSAL_OVERTAKEN'
  | 'KMS_PROPOSAL_UNSUPPORTED'
  | 'KMS_PROPOSALS_FULL'
  | 'KMS_BALLOT_CAST'
  | 'KMS_SPENDING_PAUSED'
  | 'KMS_SPENDING_FULL'
  | 'KMS_SPEND_SESSION'
  | 'KMS_SPENDER_UNKNOWN'
  | 'KMS_SPEND_COUNTER'
  | 'KMS_CHECKPOINT_STALE'
  | 'KMS_CHECKPOINT_INVALID'
  | 'KMS_EVIDENCE_REFUSED'
  | 'KMS_NOT_ADMITTED'
  | 'KMS_TOKEN_REFUSED'
  | 'KMS_TOKEN_KEYS'
  | 'KMS_KEY_UNKNOWN'
  | 'KMS_KEY_EXPIRED'
  | 'KMS_REFRESH_GOVERNED'
  | 'KMS_ARTIFACT_POLICY'
  | 'KMS_ARTIFACT_OWNED'
  | 'KMS_ARTIFACT_REPLAY'
  | 'KMS_ARTIFACT_REMOVED'
  | 'KMS_ARTIFACTS_FULL'
  | 'KMS_OWNER_UNKNOWN'
  | 'KMS_OWNER_QUOTA'
  | 'KMS_CONTRACT_UNKNOWN'
  | 'KMS_CONTRACT_OVER'
  | 'KMS_CONTRACT_DATA'
  | 'KMS_CONTRACT_RUN'
  | 'KMS_CONTRACT_BUSY'
  | 'KMS_FENCED'

const ACTIONS: Readonly<Record<KmsErrorCode, ErrorAction>> = {
  KMS_STORE_IN_USE: 'fix-input',
  KMS_STORE_SEALED: 'stop',
  KMS_STORE_TAMPERED: 'stop',
  KMS_STORE_NEWER: 'fix-input',
  KMS_STORE_FULL: 'retry',
  KMS_STORE_FAILED: 'retry',
  KMS_STORE_ACCESS: 'fix-input',
  KMS_STANDBY: 'retry',
  KMS_STATE_ROLLED_BACK: 'stop',
  KMS_ROOT_FILE: 'fix-input',
  KMS_ROOT_MISMATCH: 'stop',
  KMS_GENESIS_MISMATCH: 'fix-input',
  KMS_NOT_READY: 'retry',
  KMS_NO_POLICY: 'retry',
  KMS_STALE: 'retry',
  KMS_KEY_IDS_EXHAUSTED: 'retry',
  KMS_WAITING_FOR_CUSTODIANS: 'retry',
  KMS_NOT_WAITING: 'fix-input',
  KMS_NO_SHARES: 'fix-input',
  KMS_SHARE_STALE: 'fix-input',
  KMS_SHARE_FOREIGN: 'stop',
  KMS_SHARE_DUPLICATE: 'fix-input',
  KMS_PEER_UNREACHABLE: 'retry',
  KMS_PEER_BUSY: 'retry',
  KMS_PEER_REFUSED: 'stop',
  KMS_HANDOVER_DENIED: 'stop',
  KMS_HANDOVER_INVALID: 'stop',
  KMS_HANDOVER_UNCOVERED: 'fix-input',
  KMS_HANDOVER_DOWNGRADE: 'stop',
  KMS_ROOT_ROTATING: 'retry',
  KMS_HSM_UNAVAILABLE: 'retry',
  KMS_HSM_REFUSED: 'fix-input',
  KMS_HSM_ANSWER: 'stop',
  KMS_HSM_POLICY: 'stop',
  KMS_HSM_HARDWARE: 'fix-input',
  KMS_REQUEST_MALFORMED: 'fix-input',
  KMS_WRONG_GENESIS: 'stop',
  KMS_NOT_AUTHORIZED: 'stop',
  KMS_POLICY_OLD: 'fix-input',
  KMS_POLICY_TUPLE: 'fix-input',
  KMS_POLICY_MIXED: 'fix-input',
  KMS_RELEASE_NOT_LOGGED: 'stop',
  KMS_EPOCH_CONFLICT: 'fix-input',
  KMS_HELD: 'retry',
  KMS_HOLD_ENDED: 'fix-input',
  KMS_STATEMENT_TIME: 'fix-input',
  KMS_PROPOSAL_UNKNOWN: 'fix-input',
  KMS_PROPOSAL_CLOSED: 'fix-input',
  KMS_PROPOSAL_OVERTAKEN: 'fix-input',
  KMS_PROPOSAL_UNSUPPORTED: 'fix-input',
  KMS_PROPOSALS_FULL: 'retry',
  KMS_BALLOT_CAST: 'fix-input',
  KMS_SPENDING_PAUSED: 'retry',
  KMS_SPENDING_FULL: 'retry',
  KMS_SPEND_SESSION: 'retry',
  KMS_SPENDER_UNKNOWN: 'retry',
  KMS_SPEND_COUNTER: 'stop',
  KMS_CHECKPOINT_STALE: 'retry',
  KMS_CHECKPOINT_INVALID: 'stop',
  KMS_EVIDENCE_REFUSED: 'stop',
  KMS_NOT_ADMITTED: 'stop',
  KMS_TOKEN_REFUSED: 'fix-input',
  KMS_TOKEN_KEYS: 'retry',
  KMS_KEY_UNKNOWN: 'fix-input',
  KMS_KEY_EXPIRED: 'stop',
  KMS_REFRESH_GOVERNED: 'fix-input',
  KMS_ARTIFACT_POLICY: 'fix-input',
  KMS_ARTIFACT_OWNED: 'fix-input',
  KMS_ARTIFACT_REPLAY: 'fix-input',
  KMS_ARTIFACT_REMOVED: 'fix-input',
  KMS_ARTIFACTS_FULL: 'retry',
  KMS_OWNER_UNKNOWN: 'fix-input',
  KMS_OWNER_QUOTA: 'fix-input',
  KMS_CONTRACT_UNKNOWN: 'fix-input',
  KMS_CONTRACT_OVER: 'fix-input',
  KMS_CONTRACT_DATA: 'stop',
  KMS_CONTRACT_RUN: 'stop',
  KMS_CONTRACT_BUSY: 'retry',
  KMS_FENCED: 'stop',
}

/** HTTP status of the codes whose action alone does not say it; the rest follow the action. */
export const KMS_STATUSES: Readonly<Record<string, number>> = {
  KMS_STORE_FULL: 507,
  KMS_NOT_AUTHORIZED: 403,
  KMS_POLICY_OLD: 409,
  KMS_EPOCH_CONFLICT: 409,
  KMS_NO_SHARES: 404,
  KMS_NOT_WAITING: 409,
  KMS_SHARE_STALE: 409,
  KMS_SHARE_DUPLICATE: 409,
  KMS_HANDOVER_UNCOVERED: 409,
  KMS_HOLD_ENDED: 409,
  KMS_PROPOSAL_UNKNOWN: 404,
  KMS_PROPOSAL_CLOSED: 409,
  KMS_PROPOSAL_OVERTAKEN: 409,
  KMS_PROPOSALS_FULL: 429,
  KMS_BALLOT_CAST: 409,
  KMS_SPENDING_FULL: 507,
  KMS_SPEND_SESSION: 409,
  KMS_SPENDER_UNKNOWN: 403,
  KMS_SPEND_COUNTER: 409,
  KMS_CHECKPOINT_STALE: 409,
  KMS_TOKEN_REFUSED: 401,
  KMS_KEY_UNKNOWN: 404,
  KMS_KEY_EXPIRED: 410,
  KMS_REFRESH_GOVERNED: 403,
  KMS_ARTIFACT_OWNED: 409,
  KMS_ARTIFACT_REPLAY: 409,
  KMS_ARTIFACT_REMOVED: 409,
  KMS_ARTIFACTS_FULL: 507,
  KMS_OWNER_UNKNOWN: 403,
  KMS_OWNER_QUOTA: 409,
  KMS_CONTRACT_UNKNOWN: 404,
  KMS_CONTRACT_OVER: 409,
  KMS_CONTRACT_DATA: 409,
  KMS_CONTRACT_RUN: 409,
  KMS_CONTRACT_BUSY: 429,
  KMS_FENCED: 503,
}

/** A {@link SottoError} with a code of this package; the action follows from the code. */
export function kmsError(
  code: KmsErrorCode,
  message: string,
  options: SottoErrorOptions = {},
): SottoError<KmsErrorCode> {
  return new SottoError<KmsErrorCode>(code, ACTIONS[code], message, options)
}
