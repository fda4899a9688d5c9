import { SottoError } from '@sotto/protocol/errors'

/**
 * Codes of {@link SottoError} thrown here.
 * - `PROVENANCE_INVALID` (stop): not signed by a pinned builder, or not what is expected of this image.
 * - `PROVENANCE_REBUILDERS` (stop): too few of the listed parties have rebuilt this image.
 */
export type ProvenanceErrorCode = 'PROVENANCE_INVALID' | 'PROVENANCE_REBUILDERS'

/** Nothing of it is to be trusted: the action is always `stop`. */
export function provenanceError(
  code: ProvenanceErrorCode,
  message: string,
  options: { expected?: string; found?: string; cause?: unknown } = {},
): SottoError<ProvenanceErrorCode> {
  return new SottoError<ProvenanceErrorCode>(code, 'stop', message, options)
}
