import { type ErrorAction, SottoError, type SottoErrorOptions } from '@sotto/protocol/errors'

/**
 * Codes of every {@link SottoError} of training. None of their texts holds data: not a value, not a name out of a file.
 * What they name (table, column, step) stands in the contract.
 * - `ROOM_TRAIN_FORMAT` (fix-input): a table is no CSV or JSON Lines of the columns that the contract states.
 * - `ROOM_TRAIN_COLUMN` (fix-input): a table lacks a column, or has one that is not agreed.
 * - `ROOM_TRAIN_TYPE` (fix-input): a column holds what is not of its type, or is of no use in its place.
 * - `ROOM_TRAIN_TEXT` (fix-input): an input is not so many texts as its owner stated, or one of them is too long or no UTF-8.
 * - `ROOM_TRAIN_KEY` (fix-input): a table that is joined has two rows of one key.
 * - `ROOM_TRAIN_ONE_CLASS` (fix-input): all labels are of one class; nothing can be learned.
 * - `ROOM_TRAIN_EMPTY` (fix-input): there is no row or text to train on, or to measure with.
 * - `ROOM_TRAIN_TOO_LARGE` (fix-input): an input or a model is larger than a trainer takes, or what was made larger than agreed.
 * - `ROOM_TRAIN_NOT_FINITE` (fix-input): a gradient or a weight is no longer a number; a smaller rate may help.
 * - `ROOM_TRAIN_GRAPH` (fix-input): the graph is not the one of a training step over these features, or a model none that can be trained.
 * - `ROOM_TRAIN_PRIVACY` (fix-input): what is asked for would break the guarantee.
 * - `ROOM_TRAIN_SETTINGS` (fix-input): a setting is out of bounds.
 * - `ROOM_TRAIN_CHECKPOINT` (stop): this is no checkpoint of the run.
 * - `ROOM_TRAIN_RELOAD` (stop): what was written to be released does not do what was trained.
 * - `ROOM_TRAIN_PEER` (stop): another trainer gave what is no part of a step.
 * - `ROOM_TRAIN_MEMORY` (fix-input): the training needs more memory than it may have.
 * - `ROOM_TRAIN_TIMEOUT` (fix-input): the training took longer than it may; its process was killed.
 * - `ROOM_TRAIN_CANCELLED` (retry): the caller aborted.
 * - `ROOM_TRAIN_CRASHED` (retry): the process of a training ended, or said what its protocol does not have.
 */
export type RoomTrainErrorCode =
  | 'ROOM_TRAIN_FORMAT'
  | 'ROOM_TRAIN_COLUMN'
  | 'ROOM_TRAIN_TYPE'
  | 'ROOM_TRAIN_TEXT'
  | 'ROOM_TRAIN_KEY'
  | 'ROOM_TRAIN_ONE_CLASS'
  | 'ROOM_TRAIN_EMPTY'
  | 'ROOM_TRAIN_TOO_LARGE'
  | 'ROOM_TRAIN_NOT_FINITE'
  | 'ROOM_TRAIN_GRAPH'
  | 'ROOM_TRAIN_PRIVACY'
  | 'ROOM_TRAIN_SETTINGS'
  | 'ROOM_TRAIN_CHECKPOINT'
  | 'ROOM_TRAIN_RELOAD'
  | 'ROOM_TRAIN_PEER'
  | 'ROOM_TRAIN_MEMORY'
  | 'ROOM_TRAIN_TIMEOUT'
  | 'ROOM_TRAIN_CANCELLED'
  | 'ROOM_TRAIN_CRASHED'

const ACTIONS: Readonly<Record<RoomTrainErrorCode, ErrorAction>> = {
  ROOM_TRAIN_FORMAT: 'fix-input',
  ROOM_TRAIN_COLUMN: 'fix-input',
  ROOM_TRAIN_TYPE: 'fix-input',
  ROOM_TRAIN_TEXT: 'fix-input',
  ROOM_TRAIN_KEY: 'fix-input',
  ROOM_TRAIN_ONE_CLASS: 'fix-input',
  ROOM_TRAIN_EMPTY: 'fix-input',
  ROOM_TRAIN_TOO_LARGE: 'fix-input',
  ROOM_TRAIN_NOT_FINITE: 'fix-input',
  ROOM_TRAIN_GRAPH: 'fix-input',
  ROOM_TRAIN_PRIVACY: 'fix-input',
  ROOM_TRAIN_SETTINGS: 'fix-input',
  ROOM_TRAIN_CHECKPOINT: 'stop',
  ROOM_TRAIN_RELOAD: 'stop',
  ROOM_TRAIN_PEER: 'stop',
  ROOM_TRAIN_MEMORY: 'fix-input',
  ROOM_TRAIN_TIMEOUT: 'fix-input',
  ROOM_TRAIN_CANCELLED: 'retry',
  ROOM_TRAIN_CRASHED: 'retry',
}

/** A {@link SottoError} of a training; the action follows from the code. */
export function roomTrainError(
  code: RoomTrainErrorCode,
  message: string,
  options: SottoErrorOptions = {},
): SottoError<RoomTrainErrorCode> {
  return new SottoError<RoomTrainErrorCode>(code, ACTIONS[code], message, options)
}
