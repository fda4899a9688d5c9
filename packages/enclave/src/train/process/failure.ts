import type { Name } from '@sotto/protocol/contract'
import { SottoError } from '@sotto/protocol/errors'
import { type RoomTrainErrorCode, roomTrainError } from '../errors.ts'

/** What a failure may name: inputs of the contract, of tables their columns as it has them. */
export type Places = ReadonlyMap<Name, readonly string[] | 'text'>

/** Why a training failed, as its process says it. */
export interface Failure {
  readonly code: RoomTrainErrorCode
  /** Or the input that has texts. */
  readonly table?: Name
  readonly column?: string
  /** Of a graph that is none: one of {@link GRAPH_FAULTS}. */
  readonly fault?: string
}

/** Codes of builders and readers of graphs. */
export const GRAPH_FAULTS = [
  'GRAPH_LOSS',
  'GRAPH_NO_RULE',
  'GRAPH_SHAPE',
  'GRAPH_TARGET',
  'GGUF_MALFORMED',
  'GGUF_UNSUPPORTED',
  'ONNX_EXTERNAL',
  'ONNX_MALFORMED',
  'ONNX_UNSUPPORTED',
] as const

/** What is said of each code: other words than these would be a way out for what a process read. */
const WORDS: Readonly<Record<RoomTrainErrorCode, string>> = {
  ROOM_TRAIN_FORMAT: 'a table is no CSV or JSON Lines of the columns that the contract states',
  ROOM_TRAIN_COLUMN: 'a table lacks a column, or has one that is not agreed',
  ROOM_TRAIN_TYPE: 'a column holds what is not of its type, or is of no use in its place',
  ROOM_TRAIN_TEXT: 'an input is not so many texts as stated, or one of them is too long or no UTF-8',
  ROOM_TRAIN_KEY: 'a table that is joined has two rows of one key',
  ROOM_TRAIN_ONE_CLASS: 'all labels are of one class',
  ROOM_TRAIN_EMPTY: 'there is no row or text to train on, or to measure with',
  ROOM_TRAIN_TOO_LARGE: 'an input, a model or what was made is larger than it may be',
  ROOM_TRAIN_NOT_FINITE: 'a gradient or a weight is no longer a number; a smaller rate may help',
  ROOM_TRAIN_GRAPH: 'the model is none that can be trained in this way',
  ROOM_TRAIN_PRIVACY: 'what is asked for would break the guarantee',
  ROOM_TRAIN_SETTINGS: 'a setting is out of bounds',
  ROOM_TRAIN_CHECKPOINT: 'this is no checkpoint of the run',
  ROOM_TRAIN_RELOAD: 'what was written to be released does not do what was trained',
  ROOM_TRAIN_PEER: 'another trainer gave what is no part of a step',
  ROOM_TRAIN_MEMORY: 'the training needs more memory than it may have',
  ROOM_TRAIN_TIMEOUT: 'the training took too long',
  ROOM_TRAIN_CANCELLED: 'the caller cancelled',
  ROOM_TRAIN_CRASHED: 'the process of the training ended, or sent something malformed',
}

/** What happened in the process: a code, and the names of the contract that our own words have. */
export function describeFailure(error: unknown): Failure {
  if (isOutOfMemory(error)) return { code: 'ROOM_TRAIN_MEMORY' }
  if (!(error instanceof SottoError) || !isCode(error.code)) return { code: 'ROOM_TRAIN_CRASHED' }
  const { code, message, found } = error
  const table = /\b(?:table|text) (?<name>[a-z][a-z0-9-]*)/.exec(message)?.groups?.['name']
  const column = /\bcolumn (?<name>\w+)/.exec(message)?.groups?.['name']
  return {
    code,
    ...(table !== undefined && { table }),
    ...(column !== undefined && { column }),
    ...(isFault(found) && { fault: found }),
  }
}

/**
 * The error of a failure, in the room's words: the process may have been taken over by what it read, and chooses among
 * codes, tables and columns of the contract.
 */
export function errorOf({ code, table, column, fault }: Failure, places: Places): Error {
  const place = table === undefined ? undefined : places.get(table)
  const columns = place === 'text' ? [] : (place ?? [...places.values()].flat())
  const where = [
    ...(place === undefined ? [] : [`${place === 'text' ? 'text' : 'table'} ${table}`]),
    ...(column !== undefined && columns.includes(column) ? [`column ${column}`] : []),
    ...(code === 'ROOM_TRAIN_GRAPH' && fault !== undefined ? [fault] : []),
  ]
  return roomTrainError(code, [WORDS[code], ...where].join(', '))
}

/** An error of one of our codes without a place. */
export function trainError(code: RoomTrainErrorCode, expected?: string): Error {
  return roomTrainError(code, WORDS[code], expected === undefined ? {} : { expected })
}

/** A failure as a process sent it; undefined where it is none. */
export function decodeFailure(message: Record<string, unknown>): Failure | undefined {
  const { code, table, column, fault } = message
  if (!isCode(code)) return undefined
  return {
    code,
    ...(typeof table === 'string' && { table }),
    ...(typeof column === 'string' && { column }),
    ...(isFault(fault) && { fault }),
  }
}

function isCode(code: unknown): code is RoomTrainErrorCode {
  return typeof code === 'string' && Object.hasOwn(WORDS, code)
}

function isFault(fault: unknown): fault is string {
  return (GRAPH_FAULTS as readonly unknown[]).includes(fault)
}

const MEMORY =
  /array buffer allocation|invalid (?:typed )?array (?:buffer )?length|bad.?alloc|allocate memory/i
const MAX_CAUSES = 8

/** What engines say when a limit of memory refuses them more. */
function isOutOfMemory(error: unknown): boolean {
  let at: unknown = error
  for (let depth = 0; depth < MAX_CAUSES && at instanceof Error; depth++) {
    if (MEMORY.test(at.message)) return true
    at = at.cause
  }
  return false
}
