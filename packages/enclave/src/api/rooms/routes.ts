import { MAX_CALL_ANSWER_BYTES, MAX_CALL_BYTES } from '@sotto/protocol/contract'
import { MAX_ROOM_ANSWER_BYTES, MAX_ROOM_CALL_BYTES, MAX_ROOM_EVIDENCE_BYTES } from '@sotto/protocol/room'
import { readBody } from '@sotto/serve/limits'
import { ApiError } from '../openai/errors.ts'
import { refusal, unreachable } from '../passing/refusal.ts'
import { createUpstream, type Upstream } from '../passing/upstream.ts'
import { createBoardRoutes } from './boards.ts'
import { jsonAnswer } from './passed-answer.ts'
import { createSealedCalls } from './sealed-calls.ts'

/** Where parties' requests go on to. */
export interface RoomRoutesOptions {
  /** The KMS, or the replicas of one. */
  kmsUrls: readonly string[]
  /** Absent: boards are nowhere behind this enclave. */
  boardUrl?: string
  /** Absent: no room is. */
  roomUrl?: string
  fetch?: typeof fetch
}

/** What sealing adds to a call or an answer, keys and signatures included. */
const SEALED_MORE = 65_536
const MAX_IMPORT_BYTES = 131_072
const MAX_SHORT_ANSWER = 4096
const KEY = /^\/keys\/([0-9a-f]{32})$/

/**
 * `/v1/rooms`: what parties of clean rooms say to KMS, boards and rooms, passed on for those who reach only the relay.
 * Nothing here is decided by this enclave, and nothing needs to be believed of it: calls and messages are sealed to whom
 * the party's program verified, documents are signed, and every answer proves itself. It never throws.
 * @returns for a path below `/v1/rooms`, without it
 */
export function createRoomRoutes({
  kmsUrls,
  boardUrl,
  roomUrl,
  fetch,
}: RoomRoutesOptions): (request: Request, path: string) => Promise<Response> {
  const kms = createUpstream(kmsUrls, unreachable('KMS'), fetch)
  const room = roomUrl === undefined ? undefined : createUpstream([roomUrl], unreachable('room'), fetch)
  const contracts = createSealedCalls({
    upstream: kms,
    path: '/v1/contracts',
    maxCallBytes: MAX_CALL_BYTES,
    maxAnswerBytes: MAX_CALL_ANSWER_BYTES,
  })
  const runs =
    room &&
    createSealedCalls({
      upstream: room,
      path: '/v1/runs',
      maxCallBytes: MAX_ROOM_CALL_BYTES + SEALED_MORE,
      maxAnswerBytes: MAX_ROOM_ANSWER_BYTES + SEALED_MORE,
    })
  const boards =
    boardUrl === undefined
      ? undefined
      : createBoardRoutes(createUpstream([boardUrl], unreachable('board'), fetch))

  async function answer(request: Request, path: string): Promise<Response> {
    const route = `${request.method} ${path}`
    if (route === 'POST /calls') return contracts(request)
    if (route === 'POST /runs' && runs) return runs(request)
    if (route === 'GET /room' && room) return evidence(room, request.signal)
    const [, artifact] = KEY.exec(path) ?? []
    if (artifact !== undefined && request.method === 'POST') return importKey(kms, artifact, request)
    if (boards) return boards(request, path)
    throw new ApiError('API_ROUTE_NOT_FOUND', 'no such route')
  }

  return async (request, path) => {
    try {
      return await answer(request, path)
    } catch (error) {
      return refusal(error)
    }
  }
}

/** What the room shows of itself. */
async function evidence(room: Upstream, signal: AbortSignal): Promise<Response> {
  const maxAnswerBytes = MAX_ROOM_EVIDENCE_BYTES
  return jsonAnswer(await room({ method: 'GET', path: '/v1/room', maxAnswerBytes, signal }))
}

/** A content key that its owner wrapped to the KMS, and signed for this artifact. */
async function importKey(kms: Upstream, artifact: string, request: Request): Promise<Response> {
  return jsonAnswer(
    await kms({
      method: 'POST',
      path: `/v1/artifacts/${artifact}/key`,
      body: await readBody(request, MAX_IMPORT_BYTES),
      maxAnswerBytes: MAX_SHORT_ANSWER,
      signal: request.signal,
    }),
  )
}
