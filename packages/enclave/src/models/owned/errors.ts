import { type ErrorAction, SottoError, type SottoErrorOptions } from '@sotto/protocol/errors'

/**
 * Codes of {@link SottoError} about models of owners, besides those of the sealed format, the engines and the release.
 * - `OWNED_MODEL_UNKNOWN` (fix-input): the registry has no such model, or it does not prove what it says.
 * - `OWNED_MODEL_ENDED` (fix-input): its owner removed it, or its time is over.
 * - `OWNED_MODEL_REFUSED` (stop): the KMS does not release its key to this enclave, or the file is not what its owner signed.
 * - `OWNED_MODEL_TOO_LARGE` (fix-input): larger than everything that this enclave may load.
 * - `OWNED_MODEL_BUSY` (retry): every place for models is in use.
 * - `OWNED_MODEL_UNREACHABLE` (retry): registry or KMS does not answer.
 */
export type OwnedModelErrorCode =
  | 'OWNED_MODEL_UNKNOWN'
  | 'OWNED_MODEL_ENDED'
  | 'OWNED_MODEL_REFUSED'
  | 'OWNED_MODEL_TOO_LARGE'
  | 'OWNED_MODEL_BUSY'
  | 'OWNED_MODEL_UNREACHABLE'

const ACTIONS: Readonly<Record<OwnedModelErrorCode, ErrorAction>> = {
  OWNED_MODEL_UNKNOWN: 'fix-input',
  OWNED_MODEL_ENDED: 'fix-input',
  OWNED_MODEL_REFUSED: 'stop',
  OWNED_MODEL_TOO_LARGE: 'fix-input',
  OWNED_MODEL_BUSY: 'retry',
  OWNED_MODEL_UNREACHABLE: 'retry',
}

/** A {@link SottoError} with a code of owners' models; the action follows from the code. */
export function ownedModelError(
  code: OwnedModelErrorCode,
  message: string,
  options: SottoErrorOptions = {},
): SottoError<OwnedModelErrorCode> {
  return new SottoError<OwnedModelErrorCode>(code, ACTIONS[code], message, options)
}
