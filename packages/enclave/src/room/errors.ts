import { type ErrorAction, SottoError, type SottoErrorOptions } from '@sotto/protocol/errors'

/**
 * Codes of {@link SottoError} of rooms, beside those of their tasks (`ROOM_SQL_`, `ROOM_WASM_`, `ROOM_CONTAINER_`). None
 * of their texts holds data.
 * - `ROOM_CALL` (fix-input): this is no call to a room.
 * - `ROOM_INQUIRY` (fix-input): no party of the contract asks, or it asked some time ago; compare the clocks.
 * - `ROOM_BUSY` (retry): as many runs as this room takes are offered or running.
 * - `ROOM_RUN_UNKNOWN` (fix-input): the room has no such run; it expired, or the room started again. Ask for a new one.
 * - `ROOM_RUN_STATE` (fix-input): the run is not where this call would find it.
 * - `ROOM_TASK` (fix-input): this room cannot do what the contract asks for.
 * - `ROOM_INPUT` (stop): an input is not what its owner stated.
 * - `ROOM_INPUT_TOO_LARGE` (fix-input): the inputs of a run are more than this room takes.
 * - `ROOM_FILES` (retry): the board does not give or take a sealed file now.
 * - `ROOM_OVERLAP` (stop): an output repeats a longer passage of a text than its owner allows.
 * - `ROOM_OUTPUT` (stop): an output is larger than agreed, or too long to be compared.
 * - `ROOM_KMS` (stop): the KMS refuses the run or its result; `found` is its code.
 * - `ROOM_KMS_UNREACHABLE` (retry): the KMS does not answer now.
 * - `ROOM_ENDED` (stop): somebody ended the run, or the room ends.
 * - `ROOM_EXPIRED` (stop): the run took longer than its offer was good for.
 */
export type RoomRoleErrorCode =
  | 'ROOM_CALL'
  | 'ROOM_INQUIRY'
  | 'ROOM_BUSY'
  | 'ROOM_RUN_UNKNOWN'
  | 'ROOM_RUN_STATE'
  | 'ROOM_TASK'
  | 'ROOM_INPUT'
  | 'ROOM_INPUT_TOO_LARGE'
  | 'ROOM_FILES'
  | 'ROOM_OVERLAP'
  | 'ROOM_OUTPUT'
  | 'ROOM_KMS'
  | 'ROOM_KMS_UNREACHABLE'
  | 'ROOM_ENDED'
  | 'ROOM_EXPIRED'

const ACTIONS: Readonly<Record<RoomRoleErrorCode, ErrorAction>> = {
  ROOM_CALL: 'fix-input',
  ROOM_INQUIRY: 'fix-input',
  ROOM_BUSY: 'retry',
  ROOM_RUN_UNKNOWN: 'fix-input',
  ROOM_RUN_STATE: 'fix-input',
  ROOM_TASK: 'fix-input',
  ROOM_INPUT: 'stop',
  ROOM_INPUT_TOO_LARGE: 'fix-input',
  ROOM_FILES: 'retry',
  ROOM_OVERLAP: 'stop',
  ROOM_OUTPUT: 'stop',
  ROOM_KMS: 'stop',
  ROOM_KMS_UNREACHABLE: 'retry',
  ROOM_ENDED: 'stop',
  ROOM_EXPIRED: 'stop',
}

/** A {@link SottoError} of a room; the action follows from the code. */
export function roomRoleError(
  code: RoomRoleErrorCode,
  message: string,
  options: SottoErrorOptions = {},
): SottoError<RoomRoleErrorCode> {
  return new SottoError<RoomRoleErrorCode>(code, ACTIONS[code], message, options)
}

/** HTTP statuses of what is refused before a call is opened. */
export const ROOM_STATUSES: Readonly<Record<string, number>> = {
  ROOM_CALL: 400,
  ROOM_BUSY: 503,
  ROOM_NOT_READY: 503,
}
