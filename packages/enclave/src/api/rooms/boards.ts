import { MAX_BOARD_MESSAGE_BYTES, MAX_BOARD_PAGE_BYTES, MAX_BOARD_PART_BYTES } from '@sotto/protocol/room'
import { createConcurrencyLimiter, readBody, readPaced } from '@sotto/serve/limits'
import { ApiError } from '../openai/errors.ts'
import type { PassedRequest, Upstream } from '../passing/upstream.ts'
import { fileAnswer, jsonAnswer } from './passed-answer.ts'

/** Parts of files in memory at once on their way to a board, and how many wait: 32 MiB each. */
const PARTS_AT_ONCE = { running: 4, waiting: 32 }
/** Messages on their way to a board, 8 MiB each. */
const MESSAGES_AT_ONCE = { running: 8, waiting: 64 }
/** Pages and parts of files on their way from a board, 32 MiB each. */
const READS_AT_ONCE = { running: 4, waiting: 32 }

const MAX_OPENING_BYTES = 8192
const MAX_ANNOUNCEMENT_BYTES = 1024
/** Answers that are neither pages nor files have a few hundred bytes. */
const MAX_SHORT_ANSWER = 4096
/** Headers aside, nothing stands around a part of a file; a board that answers more is one that answers nothing. */
const MAX_FILE_ANSWER = MAX_BOARD_PART_BYTES + 4096

const BOARD = /^\/boards\/([0-9a-f]{64})(\/.*)?$/
const FILE = /^\/files\/[0-9a-f]{64}$/
const STATE = /^\/files\/[0-9a-f]{64}\/state$/
const AFTER = /^\d{1,9}$/
/** After it there are no messages: who is refused has no token. */
const NO_MESSAGES = '/messages?after=999999999'
const PASSED_HEADERS = ['upload-offset', 'range', 'content-type']
/** What opens a board travels under a name of its own: `authorization` carries tokens for this enclave. */
const BOARD_TOKEN = 'sotto-board-token'

/**
 * `/boards/{board}…`: a board, for parties who reach only the relay. It sees sealed bytes and who has its token; nothing
 * needs to be believed of it or of this enclave.
 * @returns for a path below `/v1/rooms`; throws `API_ROUTE_NOT_FOUND`, `API_INVALID`, `API_UPSTREAM`, codes of bodies and
 * of full lines, and what the board refuses with
 */
export function createBoardRoutes(upstream: Upstream): (request: Request, path: string) => Promise<Response> {
  const parts = createConcurrencyLimiter(PARTS_AT_ONCE)
  const messages = createConcurrencyLimiter(MESSAGES_AT_ONCE)
  const reads = createConcurrencyLimiter(READS_AT_ONCE)

  return async (request, path) => {
    const { method, signal } = request
    const [, board, below = ''] = BOARD.exec(path) ?? []
    if (board === undefined) throw new ApiError('API_ROUTE_NOT_FOUND', 'no such route')
    const about = { headers: passedHeaders(request), signal }
    const short = (body?: Uint8Array, at = below, how = method): PassedRequest => ({
      ...about,
      method: how,
      path: `/v1/boards/${board}${at}`,
      maxAnswerBytes: MAX_SHORT_ANSWER,
      ...(body !== undefined && { body }),
    })
    const route = `${method} ${FILE.test(below) ? '/files/*' : STATE.test(below) ? '/files/*/state' : below}`
    switch (route) {
      case 'PUT ':
        return jsonAnswer(await upstream(short(await readBody(request, MAX_OPENING_BYTES))))
      case 'POST /files':
        return jsonAnswer(await upstream(short(await readBody(request, MAX_ANNOUNCEMENT_BYTES))))
      case 'GET /files/*/state':
        return jsonAnswer(await upstream(short()))
      case 'POST /messages':
        // Who has no token of the board gets no place.
        await upstream(short(undefined, NO_MESSAGES, 'GET'))
        return messages.run(async () =>
          jsonAnswer(await upstream(short(await readPaced(request, MAX_BOARD_MESSAGE_BYTES)))),
        )
      case 'PATCH /files/*':
        await upstream(short(undefined, `${below}/state`, 'GET'))
        // Whole before it goes on: a part that was cut on its way here has no effect.
        return parts.run(async () =>
          jsonAnswer(await upstream(short(await readPaced(request, MAX_BOARD_PART_BYTES)))),
        )
      case 'GET /messages': {
        const page = `/messages?after=${afterOf(request)}`
        return reads.run(async () =>
          jsonAnswer(await upstream({ ...short(undefined, page), maxAnswerBytes: MAX_BOARD_PAGE_BYTES })),
        )
      }
      case 'GET /files/*':
        requireShortRange(request)
        return reads.run(async () =>
          fileAnswer(await upstream({ ...short(), maxAnswerBytes: MAX_FILE_ANSWER })),
        )
      default:
        throw new ApiError('API_ROUTE_NOT_FOUND', 'no such route')
    }
  }
}

function passedHeaders({ headers }: Request): Record<string, string> {
  const passed: Record<string, string> = {}
  for (const name of PASSED_HEADERS) {
    const value = headers.get(name)
    if (value !== null) passed[name] = value
  }
  const token = headers.get(BOARD_TOKEN)
  if (token !== null) passed['authorization'] = `Bearer ${token}`
  return passed
}

function afterOf({ url }: Request): string {
  const after = new URL(url).searchParams.get('after') ?? '0'
  if (!AFTER.test(after)) throw new ApiError('API_INVALID', 'after is the index of a message, or 0', 'after')
  return after
}

/** A file comes through here part by part: no enclave holds a whole one. */
function requireShortRange({ headers }: Request): void {
  const [, first, last] = /^bytes=(\d{0,15})-(\d{1,15})$/.exec(headers.get('range') ?? '') ?? []
  const bytes = first === '' ? Number(last) : Number(last) - Number(first) + 1
  if (bytes <= MAX_BOARD_PART_BYTES) return
  throw new ApiError(
    'API_INVALID',
    `a file is read here in ranges of at most ${MAX_BOARD_PART_BYTES} bytes`,
    'range',
  )
}
