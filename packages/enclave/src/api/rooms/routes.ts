import { MAX_CALL_ANSWER_BYTES, MAX_CALL_BYTES } from '@sotto/protocol/contract'
import { MAX_ROOM_ANSWER_BYTES, MAX_ROOM_CALL_BYTES, MAX_ROOM_EVIDENCE_BYTES } from '@sotto/protocol/room'
import { SEALED_CALL_OVERHEAD_BYTES } from '@sotto/protocol/sealed-call'
import { readBody } from '@sotto/serve/limits'
import { refusal, unreachable } from '../passing/refusal.ts'
import { createUpstream, type Upstream } from '../passing/upstream.ts'
import { createBoardRoutes } from './boards.ts'
import { jsonAnswer } from './passed-answer.ts'
import { createSealedCalls } from './sealed-calls.ts'

/** Where parties' requests go on to. */
export interface RoomRoutesOptions {
  /** The KMS, or the replicas of one. */
  kmsUrls: readonly string[]
  boardUrl: string
  roomUrl: string
  fetch?: typeof fetch
}

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
  const room = createUpstream([roomUrl], unreachable('room'), fetch)
  const contracts = createSealedCalls({
    upstream: kms,
    path: '/v1/contracts',
    maxCallBytes: MAX_CALL_BYTES + SEALED_CALL_OVERHEAD_BYTES,
    maxAnswerBytes: MAX_CALL_ANSWER_BYTES + SEALED_CALL_OVERHEAD_BYTES,
  })
  const runs = createSealedCalls({
    upstream: room,
    path: '/v1/runs',
    maxCallBytes: MAX_ROOM_CALL_BYTES + SEALED_CALL_OVERHEAD_BYTES,
    maxAnswerBytes: MAX_ROOM_ANSWER_BYTES + SEALED_CALL_OVERHEAD_BYTES,
  })
  const boards = createBoardRoutes(createUpstream([boardUrl], unreachable('board'), fetch))

  async function answer(request: Request, path: string): Promise<Response> {
    const route = `${request.method} ${path}`
    if (route === 'POST /calls') return contracts(request)
    if (route === 'POST /runs') return runs(request)
    if (route === 'GET /room') return evidence(room, request.signal)
    const [, artifact] = KEY.exec(path) ?? []
    if (artifact !== undefined && request.method === 'POST') return importKey(kms, artifact, request)
    return boards(request, path)
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
