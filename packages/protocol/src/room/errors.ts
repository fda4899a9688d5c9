import { SottoError, type SottoErrorOptions } from '../errors/index.ts'

/**
 * Codes of {@link SottoError} thrown here.
 * - `ROOM_DATA` (stop): what was sealed is not what its owner stated, or is no data of a room.
 * - `ROOM_DOCUMENT` (fix-input): this is no document of a board or a run.
 * - `ROOM_SIGNATURE` (stop): whom it names did not sign it.
 * - `ROOM_OTHER` (stop): it is about another board, run or deployment.
 */
export type RoomErrorCode = 'ROOM_DATA' | 'ROOM_DOCUMENT' | 'ROOM_SIGNATURE' | 'ROOM_OTHER'

/** A {@link SottoError} about a room. */
export function roomError(
  code: RoomErrorCode,
  message: string,
  options: SottoErrorOptions = {},
): SottoError<RoomErrorCode> {
  return new SottoError<RoomErrorCode>(
    code,
    code === 'ROOM_DOCUMENT' ? 'fix-input' : 'stop',
    message,
    options,
  )
}
