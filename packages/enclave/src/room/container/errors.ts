import { type ErrorAction, SottoError, type SottoErrorOptions } from '@sotto/protocol/errors'

/**
 * Codes of every {@link SottoError} of containers in clean rooms. A job chooses how its run fails, and when, so the code is
 * all that leaves of one that failed, some two bits: no exit status, no signal, nothing that it printed. None of the texts
 * holds data, nor a name out of an image.
 * - `ROOM_CONTAINER_LAYOUT` (fix-input): the input is no OCI image layout that a room runs; `found` names the defect.
 * - `ROOM_CONTAINER_DIGEST` (stop): the image is another than the contract's, or a blob or layer is not what its digest names.
 * - `ROOM_CONTAINER_SANDBOX` (stop): this machine cannot confine a container as it has to be.
 * - `ROOM_CONTAINER_START` (retry): the namespaces or the unpacked image did not come up, or an input did not fit.
 * - `ROOM_CONTAINER_TIMEOUT` (fix-input): the job took longer than it may; all of it was killed.
 * - `ROOM_CONTAINER_MEMORY` (fix-input): the job was seen with more memory than it may have; all of it was killed.
 * - `ROOM_CONTAINER_ENDED` (fix-input): the job could not be executed, or ended otherwise than with success.
 * - `ROOM_CONTAINER_OUTPUT` (fix-input): `/out/result` is missing, no regular file, or larger than the contract allows.
 * - `ROOM_CONTAINER_CANCELLED` (retry): the caller aborted; all of it was killed.
 */
export type RoomContainerErrorCode =
  | 'ROOM_CONTAINER_LAYOUT'
  | 'ROOM_CONTAINER_DIGEST'
  | 'ROOM_CONTAINER_SANDBOX'
  | 'ROOM_CONTAINER_START'
  | 'ROOM_CONTAINER_TIMEOUT'
  | 'ROOM_CONTAINER_MEMORY'
  | 'ROOM_CONTAINER_ENDED'
  | 'ROOM_CONTAINER_OUTPUT'
  | 'ROOM_CONTAINER_CANCELLED'

const ACTIONS: Readonly<Record<RoomContainerErrorCode, ErrorAction>> = {
  ROOM_CONTAINER_LAYOUT: 'fix-input',
  ROOM_CONTAINER_DIGEST: 'stop',
  ROOM_CONTAINER_SANDBOX: 'stop',
  ROOM_CONTAINER_START: 'retry',
  ROOM_CONTAINER_TIMEOUT: 'fix-input',
  ROOM_CONTAINER_MEMORY: 'fix-input',
  ROOM_CONTAINER_ENDED: 'fix-input',
  ROOM_CONTAINER_OUTPUT: 'fix-input',
  ROOM_CONTAINER_CANCELLED: 'retry',
}

const MESSAGES: Readonly<Record<RoomContainerErrorCode, string>> = {
  ROOM_CONTAINER_LAYOUT: 'the image is none that a room runs',
  ROOM_CONTAINER_DIGEST: 'the image is not the one that its digests name',
  ROOM_CONTAINER_SANDBOX: 'this machine cannot confine a container as required',
  ROOM_CONTAINER_START: 'the container could not be started',
  ROOM_CONTAINER_TIMEOUT: 'the job took longer than the contract allows',
  ROOM_CONTAINER_MEMORY: 'the job used more memory than the contract allows',
  ROOM_CONTAINER_ENDED: 'the job ended without success',
  ROOM_CONTAINER_OUTPUT: 'the job left no result that can be taken',
  ROOM_CONTAINER_CANCELLED: 'the caller cancelled',
}

/** A {@link SottoError} of a container; action and message follow from the code. */
export function containerError(
  code: RoomContainerErrorCode,
  options: SottoErrorOptions = {},
): SottoError<RoomContainerErrorCode> {
  return new SottoError<RoomContainerErrorCode>(code, ACTIONS[code], MESSAGES[code], options)
}

/** The refusal of an image. @param defect fixed words of ours */
export function layoutError(defect: string): SottoError<RoomContainerErrorCode> {
  return containerError('ROOM_CONTAINER_LAYOUT', {
    expected: 'an OCI image layout in a tar, for this machine, with plain or gzip layers of ordinary files',
    found: defect,
    hint: 'write it with docker buildx build --output type=oci, or skopeo copy to oci-archive',
  })
}
