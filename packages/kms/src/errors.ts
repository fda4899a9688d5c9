import { type ErrorAction, SottoError, type SottoErrorOptions } from '@sotto/protocol/errors'

/**
 * Codes of every {@link SottoError} thrown by this package (beside those of `@sotto/serve`,
 * `@sotto/protocol` and `@sotto/verifier`).
 *
 * Store:
 * - `KMS_STORE_IN_USE` (fix-input): another process holds the store.
 * - `KMS_STORE_SEALED` (stop): the store was sealed by another measurement or machine.
 * - `KMS_STORE_TAMPERED` (stop): a record was changed, swapped, removed or added from outside.
 * - `KMS_STORE_FULL` (retry): the disk is full; nothing was changed.
 * - `KMS_STORE_FAILED` (retry): the store could not read or write; the change may or may not have happened.
 * - `KMS_STATE_ROLLED_BACK` (stop): the log knows a later state than the store (T11).
 *
 * State:
 * - `KMS_GENESIS_MISMATCH` (fix-input): configuration and stored genesis differ; a genesis never changes.
 * - `KMS_NOT_READY` (retry): still starting.
 * - `KMS_NO_POLICY` (retry): no key-release policy was accepted yet, so there are no keys.
 * - `KMS_STALE` (retry): no fresh witnessed checkpoint for too long; nothing is released (T13).
 * - `KMS_KEY_IDS_EXHAUSTED` (retry): every key identifier may still be in somebody's cache.
 *
 * Requests:
 * - `KMS_REQUEST_MALFORMED` (fix-input): body or document is not what the route takes.
 * - `KMS_WRONG_GENESIS` (stop): the document is meant for another KMS (T1).
 * - `KMS_NOT_AUTHORIZED` (stop): too few distinct members signed.
 * - `KMS_POLICY_OLD` (fix-input): the policy is not younger than the current one, or lies in the future.
 * - `KMS_POLICY_TUPLE` (fix-input): a tuple has no logged release statement, or a root nobody configured.
 * - `KMS_POLICY_MIXED` (fix-input): software and hardware in one policy or one KMS (T10).
 * - `KMS_RELEASE_NOT_LOGGED` (stop): a release statement is not in the log where it should be.
 * - `KMS_EPOCH_CONFLICT` (fix-input): the rotation was signed for another epoch.
 *
 * Release:
 * - `KMS_CHECKPOINT_STALE` (retry): the evidence binds a checkpoint that is too old.
 * - `KMS_CHECKPOINT_INVALID` (stop): the bound checkpoint is not of our log, or lacks witnesses.
 * - `KMS_EVIDENCE_REFUSED` (stop): the evidence is not authentic, or binds other values.
 * - `KMS_NOT_ADMITTED` (stop): the evidence is authentic, but no tuple of the policy admits it.
 *
 * Artifacts:
 * - `KMS_ARTIFACT_POLICY` (fix-input): the owner's policy is none this KMS accepted.
 * - `KMS_ARTIFACT_OWNED` (fix-input): another owner imported this artifact first.
 * - `KMS_ARTIFACT_REPLAY` (fix-input): an import that its owner has replaced since.
 * - `KMS_ARTIFACTS_FULL` (retry): no room for more artifacts.
 * - `KMS_FENCED` (stop): another instance of this KMS started later; this one serves no more (T11).
 */
export type KmsErrorCode =
  | 'KMS_STORE_IN_USE'
  | 'KMS_STORE_SEALED'
  | 'KMS_STORE_TAMPERED'
  | 'KMS_STORE_FULL'
  | 'KMS_STORE_FAILED'
  | 'KMS_STATE_ROLLED_BACK'
  | 'KMS_GENESIS_MISMATCH'
  | 'KMS_NOT_READY'
  | 'KMS_NO_POLICY'
  | 'KMS_STALE'
  | 'KMS_KEY_IDS_EXHAUSTED'
  | 'KMS_REQUEST_MALFORMED'
  | 'KMS_WRONG_GENESIS'
  | 'KMS_NOT_AUTHORIZED'
  | 'KMS_POLICY_OLD'
  | 'KMS_POLICY_TUPLE'
  | 'KMS_POLICY_MIXED'
  | 'KMS_RELEASE_NOT_LOGGED'
  | 'KMS_EPOCH_CONFLICT'
  | 'KMS_CHECKPOINT_STALE'
  | 'KMS_CHECKPOINT_INVALID'
  | 'KMS_EVIDENCE_REFUSED'
  | 'KMS_NOT_ADMITTED'
  | 'KMS_ARTIFACT_POLICY'
  | 'KMS_ARTIFACT_OWNED'
  | 'KMS_ARTIFACT_REPLAY'
  | 'KMS_ARTIFACTS_FULL'
  | 'KMS_FENCED'

const ACTIONS: Readonly<Record<KmsErrorCode, ErrorAction>> = {
  KMS_STORE_IN_USE: 'fix-input',
  KMS_STORE_SEALED: 'stop',
  KMS_STORE_TAMPERED: 'stop',
  KMS_STORE_FULL: 'retry',
  KMS_STORE_FAILED: 'retry',
  KMS_STATE_ROLLED_BACK: 'stop',
  KMS_GENESIS_MISMATCH: 'fix-input',
  KMS_NOT_READY: 'retry',
  KMS_NO_POLICY: 'retry',
  KMS_STALE: 'retry',
  KMS_KEY_IDS_EXHAUSTED: 'retry',
  KMS_REQUEST_MALFORMED: 'fix-input',
  KMS_WRONG_GENESIS: 'stop',
  KMS_NOT_AUTHORIZED: 'stop',
  KMS_POLICY_OLD: 'fix-input',
  KMS_POLICY_TUPLE: 'fix-input',
  KMS_POLICY_MIXED: 'fix-input',
  KMS_RELEASE_NOT_LOGGED: 'stop',
  KMS_EPOCH_CONFLICT: 'fix-input',
  KMS_CHECKPOINT_STALE: 'retry',
  KMS_CHECKPOINT_INVALID: 'stop',
  KMS_EVIDENCE_REFUSED: 'stop',
  KMS_NOT_ADMITTED: 'stop',
  KMS_ARTIFACT_POLICY: 'fix-input',
  KMS_ARTIFACT_OWNED: 'fix-input',
  KMS_ARTIFACT_REPLAY: 'fix-input',
  KMS_ARTIFACTS_FULL: 'retry',
  KMS_FENCED: 'stop',
}

/** HTTP status of the codes whose action alone does not say it; the rest follow the action. */
export const KMS_STATUSES: Readonly<Record<string, number>> = {
  KMS_STORE_FULL: 507,
  KMS_NOT_AUTHORIZED: 403,
  KMS_POLICY_OLD: 409,
  KMS_EPOCH_CONFLICT: 409,
  KMS_CHECKPOINT_STALE: 409,
  KMS_ARTIFACT_OWNED: 409,
  KMS_ARTIFACT_REPLAY: 409,
  KMS_ARTIFACTS_FULL: 507,
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
