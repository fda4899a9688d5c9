import { SottoError, type ErrorAction } from '../errors/index.ts'

/**
 * Codes of {@link SottoError} thrown by the note functions.
 * - `NOTE_MALFORMED` (fix-input): not a signed note, checkpoint or verifier key.
 * - `NOTE_SIGNATURE` (stop): the log's signature is missing or wrong, or the origin is another.
 * - `NOTE_QUORUM` (stop): too few distinct accepted witnesses cosigned.
 */
export type NoteErrorCode = 'NOTE_MALFORMED' | 'NOTE_SIGNATURE' | 'NOTE_QUORUM'

/** A {@link SottoError} about a note. */
export function noteError(
  code: NoteErrorCode,
  message: string,
  expected?: string,
  found?: string,
): SottoError<NoteErrorCode> {
  const action: ErrorAction = code === 'NOTE_MALFORMED' ? 'fix-input' : 'stop'
  return new SottoError<NoteErrorCode>(code, action, message, {
    ...(expected !== undefined && { expected }),
    ...(found !== undefined && { found: found.slice(0, 128) }),
  })
}
