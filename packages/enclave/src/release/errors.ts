import { SottoError, type ErrorAction, type SottoErrorOptions } from '@sotto/protocol/errors'

/**
 * Codes of {@link SottoError} thrown here.
 * - `RELEASE_KMS_REFUSED` (stop): the KMS is not the one the measured policy pins, or a step of its chain fails (T1).
 * - `RELEASE_KMS_UNREACHABLE` (retry): no usable answer from the KMS.
 * - `RELEASE_HARDWARE_REFUSED` (stop): evidence of this machine does not pass the measured policy.
 * - `RELEASE_DATA_USE` (stop): the release statement declares another data use than the measured configuration (T20).
 * - `RELEASE_APP` (stop): the release statement names another app than the measured configuration, or only one of the two names any (T20).
 * - `RELEASE_DENIED` (stop): the KMS does not release keys to this workload.
 * - `RELEASE_INVALID` (stop): the answer is not what the KMS signed, or is for somebody else.
 */
export type ReleaseErrorCode =
  | 'RELEASE_KMS_REFUSED'
  | 'RELEASE_KMS_UNREACHABLE'
  | 'RELEASE_HARDWARE_REFUSED'
  | 'RELEASE_DATA_USE'
  | 'RELEASE_APP'
  | 'RELEASE_DENIED'
  | 'RELEASE_INVALID'

/** A {@link SottoError} with a code of the release. */
export function releaseError(
  code: ReleaseErrorCode,
  message: string,
  options: SottoErrorOptions = {},
): SottoError<ReleaseErrorCode> {
  const action: ErrorAction = code === 'RELEASE_KMS_UNREACHABLE' ? 'retry' : 'stop'
  return new SottoError<ReleaseErrorCode>(code, action, message, options)
}
