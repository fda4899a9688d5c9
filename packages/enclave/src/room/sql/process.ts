import { type Dialect, RoomProcess, type RoomProcessOptions } from '../process/index.ts'
import { isRoomSqlErrorCode, roomSqlError } from './errors.ts'
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
  if (say === 'failed' && isRoomSqlErrorCode(code) && typeof words === 'string')
    return { say, code, message: words }
  return undefined
}

/** The process may have been taken over by what it read: of its words only those that ours could be. */
function failureOf({ code, message }: Answer & { say: 'failed' }): Error {
  return roomSqlError(code, message.slice(0, 300).replaceAll(/[^\x20-\x7e]/g, '?'))
}
