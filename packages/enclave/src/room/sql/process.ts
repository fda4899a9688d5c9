import { type Dialect, RoomProcess, type RoomProcessOptions } from '../process/index.ts'
import { INPUT_FAULTS, refusedInput, roomSqlError } from './errors.ts'
import { malformed } from './frames.ts'
import type { Answer, Question } from './messages.ts'

/** The process of one query, and of nothing else after it. */
export class SqlProcess extends RoomProcess<Question, Answer> {
  constructor(options: RoomProcessOptions) {
    super(options, DIALECT)
  }
}

const DIALECT: Dialect<Answer> = {
  decode: decodeAnswer,
  failure: (answer) => (answer.say === 'failed' ? failureOf(answer) : undefined),
  error(end, expected) {
    switch (end) {
      case 'timeout':
        return roomSqlError('ROOM_SQL_TIMEOUT', 'the query took too long', expected ? { expected } : {})
      case 'cancelled':
        return roomSqlError('ROOM_SQL_CANCELLED', 'the caller cancelled')
      case 'gone':
        return roomSqlError('ROOM_SQL_CRASHED', 'the process of the query ended')
      case 'malformed':
        return malformed()
    }
  },
}

function decodeAnswer(message: unknown): Answer | undefined {
  if (typeof message !== 'object' || message === null) return undefined
  const { say, tree, neverNull, rows, code, message: words } = message as Record<string, unknown>
  if (say === 'opened') return { say }
  if (say === 'parsed' && typeof tree === 'string') return { say, tree }
  if (say === 'loaded' && Array.isArray(neverNull) && neverNull.every(Array.isArray))
    return { say, neverNull: neverNull.map((table: unknown[]) => table.map((one) => one === true)) }
  if (say === 'ran' && Number.isSafeInteger(rows)) return { say, rows: rows as number }
  if (say === 'failed' && isFailureCode(code) && typeof words === 'string')
    return { say, code, message: words }
  return undefined
}

/** What each failure of the process means: other words than these would be a way out for what it read. */
const WORDS = {
  ROOM_SQL_PART: 'DuckDB is not installed here',
  ROOM_SQL_SYNTAX: 'the template is no SQL that DuckDB reads',
  ROOM_SQL_INPUT: 'an input is not the table that the contract states',
  ROOM_SQL_TOO_LARGE: 'the result is larger than the contract allows',
  ROOM_SQL_MEMORY: 'the query needed more memory than it may have',
  ROOM_SQL_FAILED: 'DuckDB could not run what was checked',
  ROOM_SQL_CRASHED: 'the process of the query ended, or sent something malformed',
} as const
type FailureCode = keyof typeof WORDS

function isFailureCode(code: unknown): code is FailureCode {
  return typeof code === 'string' && Object.hasOwn(WORDS, code)
}

/** The process may have been taken over by what it read: it chooses among our words, and has none of its own. */
function failureOf({ code, message }: Answer & { say: 'failed' }): Error {
  const [, at, fault] =
    /^input ([1-9][0-9]?) is not the table that the contract states; expected (.*)$/.exec(message) ?? []
  const known = INPUT_FAULTS.find((one) => one === fault)
  if (code === 'ROOM_SQL_INPUT' && known !== undefined) return refusedInput(Number(at) - 1, known)
  return roomSqlError(code, WORDS[isFailureCode(code) ? code : 'ROOM_SQL_CRASHED'])
}
