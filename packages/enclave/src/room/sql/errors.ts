import { type ErrorAction, SottoError, type SottoErrorOptions } from '@sotto/protocol/errors'

/**
 * Codes of every {@link SottoError} of queries in clean rooms. None of their texts holds data: not a value, not a name out
 * of a file, not a word of DuckDB's.
 * - `ROOM_SQL_REFUSED` (fix-input): a template breaks a rule, which the message names; `found` starts with its name, see {@link SqlRule}.
 * - `ROOM_SQL_SYNTAX` (fix-input): a template is no SQL that DuckDB reads.
 * - `ROOM_SQL_INPUT` (fix-input): an input is not a table of the columns that the contract states.
 * - `ROOM_SQL_ARGUMENT` (fix-input): a value is not what its parameter takes.
 * - `ROOM_SQL_TOO_LARGE` (fix-input): the result has more rows or bytes than the contract allows; nothing of it leaves.
 * - `ROOM_SQL_TIMEOUT` (fix-input): the query took longer than it may; its process was killed.
 * - `ROOM_SQL_MEMORY` (fix-input): the query needed more memory than it may have.
 * - `ROOM_SQL_FAILED` (fix-input): DuckDB could not run what was checked; its words are withheld.
 * - `ROOM_SQL_CANCELLED` (retry): the caller aborted.
 * - `ROOM_SQL_CRASHED` (retry): the process ended, or said what its protocol does not have.
 * - `ROOM_SQL_PART` (fix-input): DuckDB is not installed here.
 */
export type RoomSqlErrorCode =
  | 'ROOM_SQL_REFUSED'
  | 'ROOM_SQL_SYNTAX'
  | 'ROOM_SQL_INPUT'
  | 'ROOM_SQL_ARGUMENT'
  | 'ROOM_SQL_TOO_LARGE'
  | 'ROOM_SQL_TIMEOUT'
  | 'ROOM_SQL_MEMORY'
  | 'ROOM_SQL_FAILED'
  | 'ROOM_SQL_CANCELLED'
  | 'ROOM_SQL_CRASHED'
  | 'ROOM_SQL_PART'

const ACTIONS: Readonly<Record<RoomSqlErrorCode, ErrorAction>> = {
  ROOM_SQL_REFUSED: 'fix-input',
  ROOM_SQL_SYNTAX: 'fix-input',
  ROOM_SQL_INPUT: 'fix-input',
  ROOM_SQL_ARGUMENT: 'fix-input',
  ROOM_SQL_TOO_LARGE: 'fix-input',
  ROOM_SQL_TIMEOUT: 'fix-input',
  ROOM_SQL_MEMORY: 'fix-input',
  ROOM_SQL_FAILED: 'fix-input',
  ROOM_SQL_CANCELLED: 'retry',
  ROOM_SQL_CRASHED: 'retry',
  ROOM_SQL_PART: 'fix-input',
}

/** What an input may not be: all that a process which read it can say of it. */
export const INPUT_FAULTS = [
  'names of columns',
  'rows of these types',
  'the columns of the contract, in its order',
  'objects with the columns of the contract, in its order',
  'columns of the types of the contract',
] as const
export type InputFault = (typeof INPUT_FAULTS)[number]

/** An input that is not the table that the contract states. @param at its place among the inputs, from 0 */
export function refusedInput(at: number, expected: InputFault): SottoError<RoomSqlErrorCode> {
  return roomSqlError('ROOM_SQL_INPUT', `input ${at + 1} is not the table that the contract states`, {
    expected,
  })
}

/** Every rule that a template can break, with what it says. */
export const SQL_RULES = {
  'one-select': 'a template is one SELECT',
  'tree-size': 'a template is small: its tree has few nodes, and not deep ones',
  'node-list': 'only listed parts of SQL',
  'function-list': 'only listed functions',
  'cast-list': 'casts to listed types only',
  type: 'operands have the types that an operator takes',
  identifier: 'names are letters, digits and underscores',
  'known-table': 'only tables that the transform reads, and queries of the template itself',
  'known-column': 'only columns that the contract states, each named without doubt',
  'known-parameter': 'only parameters of the template',
  'output-name': 'outputs have names, each its own',
  'forbidden-column':
    'a forbidden column is shown by no output, and by nothing that chooses or orders outputs',
  'contributor-column': 'who contributed is counted, and used for nothing else',
  'join-key': 'join keys join, and are used for nothing else',
  'join-condition': 'tables are joined by equal join keys only',
  'join-multiplicity': 'no key of another owner multiplies the rows that a figure is made of',
  'compare-owners': 'data of two owners are compared by join keys only',
  'aggregates-only': 'of people, only figures over groups leave',
  'one-aggregation': 'people are gathered into figures once, in one place of a template',
  'aggregate-list': 'only aggregates that do not show a single value',
  'aggregate-argument': 'what is summed is a column, or the sum, difference or product of two of one owner',
  'not-grouped': 'what is shown is grouped by, or is an aggregate',
  'group-key': 'groups are not made by numbers with fractions',
  'row-limit': 'people are not chosen by an order or a limit',
  union: 'only UNION ALL, of rows with the same types',
  'no-contributor': 'somebody can be counted',
  'noise-shape': 'with noise: one SELECT of group keys, counts and sums, without HAVING, ORDER BY or LIMIT',
  'noise-key': 'with noise: groups are those that the template lists, as the constants of a CASE',
  'noise-contributor': 'with noise: one contributor for each row',
} as const
export type SqlRule = keyof typeof SQL_RULES

/** A {@link SottoError} of a query; the action follows from the code. */
export function roomSqlError(
  code: RoomSqlErrorCode,
  message: string,
  options: SottoErrorOptions = {},
): SottoError<RoomSqlErrorCode> {
  return new SottoError<RoomSqlErrorCode>(code, ACTIONS[code], message, options)
}

/** The refusal of a template. @param what the part of it that breaks the rule, in words or by a name that it has there */
export function refuse(rule: SqlRule, what: string): SottoError<RoomSqlErrorCode> {
  // Parties are sent code and message alone, and have to know which rule it was.
  return roomSqlError('ROOM_SQL_REFUSED', `the template breaks the rule ${rule}`, {
    expected: SQL_RULES[rule],
    found: `${rule}: ${printable(what)}`,
  })
}

/** Whether a string, as a child process sent it, is one of the codes. */
export function isRoomSqlErrorCode(code: unknown): code is RoomSqlErrorCode {
  return typeof code === 'string' && Object.hasOwn(ACTIONS, code)
}

/** Words that whoever wrote the template chose, as they can be shown. */
export function printable(what: string): string {
  return what.replaceAll(/[^\x20-\x7e]/g, '?').slice(0, 200)
}
