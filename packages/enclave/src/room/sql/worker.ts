/**
 * Entry of the process of one query. It is started for one run, has one database in memory, answers what the room asks over
 * descriptor 3, and is killed. Nothing of what DuckDB says of an error leaves it.
 */
import { Socket } from 'node:net'
import { type DuckDbConnection, openDuckDb } from './duckdb.ts'
import { isRoomSqlErrorCode, type RoomSqlErrorCode, roomSqlError } from './errors.ts'
import { encodeMessage, encodePiece, FrameReader } from './frames.ts'
import { loadTable, pathOf } from './load.ts'
import type { Answer, Question } from './messages.ts'
import { encodeRow } from './rows.ts'
import { statementText } from './statement-text.ts'

/** The socket that the room gave us. */
const CHANNEL_DESCRIPTOR = 3
/** Characters of a piece of a result before it is sent. */
const PIECE_CHARACTERS = 65_536

process.on('uncaughtException', die)
process.on('unhandledRejection', die)

const socket = new Socket({ fd: CHANNEL_DESCRIPTOR, readable: true, writable: true })
const reader = new FrameReader()
let database: DuckDbConnection | undefined
let turn: Promise<void> = Promise.resolve()

socket.on('close', die)
socket.on('end', die)
socket.on('error', die)
socket.on('data', (chunk: Uint8Array) => {
  for (const frame of reader.push(chunk)) {
    // The room is trusted here: it could do anything to this process anyway.
    if ('message' in frame) turn = turn.then(() => reply(frame.message as Question))
  }
})

async function reply(question: Question): Promise<void> {
  let answer: Answer
  try {
    answer = await answerTo(question)
  } catch (error) {
    const { code, message } = failureOf(error, question.ask)
    answer = { say: 'failed', code, message }
  }
  await write(encodeMessage(answer))
}

async function answerTo(question: Question): Promise<Answer> {
  if (question.ask === 'open') {
    const { part, fds, threads, memoryBytes } = question
    database = await openDuckDb(part, { paths: fds.map(pathOf), threads, memoryBytes })
    return { say: 'opened' }
  }
  if (database === undefined) throw roomSqlError('ROOM_SQL_CRASHED', 'nothing is open')
  switch (question.ask) {
    case 'parse': {
      const read = await database.runAndReadAll('SELECT json_serialize_sql($1::VARCHAR)', [question.sql])
      return { say: 'parsed', tree: String(read.getRows()[0]?.[0]) }
    }
    case 'load': {
      const neverNull: (readonly boolean[])[] = []
      for (const [at, table] of question.tables.entries())
        neverNull.push(await loadTable(database, at, table))
      return { say: 'loaded', neverNull }
    }
    case 'run':
      return { say: 'ran', rows: await run(database, question) }
  }
}

/** Runs the statement, and sends its rows in pieces, each row a line. */
async function run(
  connection: DuckDbConnection,
  { statement, types, maxRows, maxBytes }: Question & { ask: 'run' },
): Promise<number> {
  const result = await connection.stream(await statementText(connection, statement))
  let rows = 0
  let bytes = 0
  let lines = ''
  const send = async (): Promise<void> => {
    const piece = Buffer.from(lines)
    lines = ''
    bytes += piece.length
    if (bytes > maxBytes) throw tooLarge(`at most ${maxBytes} bytes`)
    await write(encodePiece(piece))
  }
  for await (const batch of result.yieldRows()) {
    rows += batch.length
    if (rows > maxRows) throw tooLarge(`at most ${maxRows} rows`)
    for (const row of batch) {
      lines += `${encodeRow(row, types)}\n`
      if (lines.length >= PIECE_CHARACTERS) await send()
    }
  }
  if (lines !== '') await send()
  return rows
}

function tooLarge(expected: string): Error {
  return roomSqlError('ROOM_SQL_TOO_LARGE', 'the result is larger than the contract allows', { expected })
}

/** Our own words pass; DuckDB's may quote data. */
function failureOf(error: unknown, ask: Question['ask']): { code: RoomSqlErrorCode; message: string } {
  if (!(error instanceof Error)) return { code: 'ROOM_SQL_FAILED', message: 'the query failed' }
  const { code, expected } = error as { code?: unknown; expected?: string }
  if (isRoomSqlErrorCode(code))
    return { code, message: [error.message, expected].filter(Boolean).join('; expected ') }
  if (/^(?:Error: )?Out of Memory/i.test(error.message) || /Out of Memory Error/.test(error.message))
    return { code: 'ROOM_SQL_MEMORY', message: 'the query needed more memory than it may have' }
  if (ask === 'parse') return { code: 'ROOM_SQL_SYNTAX', message: 'the template is no SQL that DuckDB reads' }
  return { code: 'ROOM_SQL_FAILED', message: 'DuckDB could not run what was checked' }
}

async function write(bytes: Uint8Array): Promise<void> {
  if (socket.write(bytes)) return
  await new Promise<void>((resolve) => {
    socket.once('drain', () => resolve())
  })
}

/** Without giving a native library a chance to hang as it ends. */
function die(): void {
  process.kill(process.pid, 'SIGKILL')
}
