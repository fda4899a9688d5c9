import { fromUtf8 } from '@sotto/protocol/bytes'
import { hasCode } from '@sotto/protocol/errors'
import { hex, integer, object, parseStrictJson } from '@sotto/protocol/jcs'
import {
  MAX_BOARD_MESSAGE_BYTES,
  MAX_BOARD_PART_BYTES,
  roomError,
  verifyBoardOpening,
} from '@sotto/protocol/room'
import { MAX_AHEAD_SECONDS, MAX_SEALED_BYTES } from '@sotto/protocol/sealed-models'
import { type App, mapErrors, serveError } from '@sotto/serve/errors'
import { createConcurrencyLimiter, readBody, readPaced } from '@sotto/serve/limits'
import { type Context, Hono } from 'hono'
import { EDGE_STATUSES, edgeError } from '../errors.ts'
import { jsonAnswer as json } from '../http/answers.ts'
import { answerFile } from '../http/file-answer.ts'
import { offsetRefusal, partBody, partOffset } from '../http/parts.ts'
import type { Owners } from '../owners/index.ts'
import type { Board, Boards } from './boards.ts'
import type { Files } from './files.ts'
import type { Messages } from './messages.ts'

/** What the HTTP interface of the boards is made of. */
export interface RoomsAppOptions {
  genesis: string
  owners: Owners
  boards: Boards
  messages: Messages
  files: Files
  /** Unix seconds. */
  now: () => number
  onError?: (code: string) => void
}

/** Messages in memory at once, 8 MiB each, and how many wait. */
const MESSAGES_AT_ONCE = { running: 16, waiting: 256 }
/** Openings have less than 4 KiB. */
const MAX_OPENING_BYTES = 8192
/** Announcements of files have some hundred bytes. */
const MAX_ANNOUNCEMENT_BYTES = 1024
/** An opening is acted on for a day, so that a copy of it opens no boards for ever. */
const MAX_OPENING_AGE_SECONDS = 86_400

/** HTTP statuses of the boards: their own codes, and those of openings. */
export const ROOMS_STATUSES: Readonly<Record<string, number>> = {
  ...EDGE_STATUSES,
  ROOM_DOCUMENT: 400,
  ROOM_SIGNATURE: 403,
  ROOM_OTHER: 400,
}

const announcement = object({ digest: hex(32), bytes: integer(1, MAX_SEALED_BYTES) })

/** The boards: owners open them by what they signed, and who has the token of one reads and writes it. */
export function createRoomsApp(options: RoomsAppOptions): App {
  const { owners, boards, messages, files, now } = options
  const app = new Hono()
  const reading = createConcurrencyLimiter(MESSAGES_AT_ONCE)

  const boardOf = (c: Context): Board =>
    boards.require(c.req.param('board') ?? '', c.req.raw.headers.get('authorization'))

  app.put('/v1/boards/:board', async (c) => {
    const opening = verifyBoardOpening(await readBody(c.req.raw, MAX_OPENING_BYTES), options.genesis)
    const { board, createdAt } = opening
    if (board !== c.req.param('board'))
      throw roomError('ROOM_OTHER', 'path and opening name different boards')
    if (createdAt > now() + MAX_AHEAD_SECONDS)
      throw edgeError('BOARD_TIME', 'the opening was made in the future; compare the clocks')
    owners.require(opening.owner)
    if (boards.isOpen(opening)) return json({ board })
    if (createdAt < now() - MAX_OPENING_AGE_SECONDS)
      throw edgeError('BOARD_TIME', 'the opening was made too long ago; sign it again')
    boards.open(opening)
    return json({ board })
  })
  app.post('/v1/boards/:board/messages', async (c) => {
    const { id, owner } = boardOf(c)
    const quota = owners.require(owner)
    // Whole before any of it is kept: it holds a place while it comes, and so has to come at a pace.
    const content = await reading.run(() => readPaced(c.req.raw, MAX_BOARD_MESSAGE_BYTES))
    if (content.length === 0) throw edgeError('BOARD_REQUEST', 'a message has at least one byte')
    return json({ index: messages.post(id, content, quota) })
  })
  app.get('/v1/boards/:board/messages', (c) => {
    const { id } = boardOf(c)
    const after = c.req.query('after') ?? '0'
    if (!/^\d{1,9}$/.test(after)) throw edgeError('BOARD_REQUEST', 'after is the index of a message, or 0')
    return json(messages.page(id, Number(after)))
  })
  app.post('/v1/boards/:board/files', async (c) => {
    const { id, owner } = boardOf(c)
    const quota = owners.require(owner)
    const bytes = await readBody(c.req.raw, MAX_ANNOUNCEMENT_BYTES)
    return json(files.begin(id, announced(bytes), quota))
  })
  app.get('/v1/boards/:board/files/:digest', (c) =>
    answerFile(c.req.raw, files.read(boardOf(c).id, c.req.param('digest')), 'BOARD_RANGE'),
  )
  app.get('/v1/boards/:board/files/:digest/state', (c) => {
    const state = files.state(boardOf(c).id, c.req.param('digest'))
    return json(state, { 'upload-offset': String(state.offset) })
  })
  app.patch('/v1/boards/:board/files/:digest', async (c) => {
    const { raw } = c.req
    const { id, owner } = boardOf(c)
    const digest = c.req.param('digest')
    owners.require(owner)
    const offset = partOffset(raw, MAX_BOARD_PART_BYTES)
    try {
      const state = await files.append(id, digest, offset, partBody(raw))
      return json(state, { 'upload-offset': String(state.offset) })
    } catch (error) {
      if (!hasCode(error, 'BOARD_OFFSET')) throw error
      return offsetRefusal(error, files.state(id, digest).offset)
    }
  })
  app.notFound(() => {
    throw serveError('HTTP_NOT_FOUND', 'the boards have no such route')
  })
  app.onError((error) => {
    throw error
  })
  return mapErrors((request) => app.fetch(request), {
    statuses: ROOMS_STATUSES,
    onError: (code) => options.onError?.(code),
  })
}

/** @throws `BOARD_REQUEST` */
function announced(bytes: Uint8Array): { digest: string; bytes: number } {
  try {
    return announcement(parseStrictJson(fromUtf8(bytes), { maxBytes: MAX_ANNOUNCEMENT_BYTES }), 'file')
  } catch (cause) {
    throw edgeError('BOARD_REQUEST', 'a file is announced as {"digest","bytes"}', { cause })
  }
}
