import { fromUtf8, utf8 } from '@sotto/protocol/bytes'
import { SottoError } from '@sotto/protocol/errors'
import type { KemPrivateKey } from '@sotto/protocol/hpke'
import { parseStrictJson } from '@sotto/protocol/jcs'
import { MAX_ROOM_CALL_BYTES, type RoomCall, roomCallDecoder } from '@sotto/protocol/room'
import { openCalls, SEALED_CALL_OVERHEAD_BYTES, SEALED_CALL_TYPE } from '@sotto/protocol/sealed-call'
import { type App, errorResponse, mapErrors, serveError } from '@sotto/serve/errors'
import { createConcurrencyLimiter, readPaced } from '@sotto/serve/limits'
import { ROOM_STATUSES, roomRoleError } from './errors.ts'
import type { RunTable } from './runs/run-table.ts'

/** What the HTTP interface of a room is made of. */
export interface RoomAppOptions {
  /** Opens calls: the key that the evidence below binds. */
  callKey: KemPrivateKey
  /** JSON of the room's evidence for calls; undefined while it has none that is fresh. */
  shown(): Uint8Array | undefined
  runs: RunTable
  /** Told the code of a refusal, inside calls too. */
  onRefused(code: string): void
}

/** Calls at once, each of some MiB. */
const CALLS_AT_ONCE = { running: 16, waiting: 64 }

/**
 * A room as the network sees it: its evidence, and sealed calls. Whoever passes calls on reads neither them nor answers,
 * refusals included: outside they all look the same.
 */
export function createRoomApp({ callKey, shown, runs, onRefused }: RoomAppOptions): App {
  const open = openCalls(callKey)
  const calls = createConcurrencyLimiter(CALLS_AT_ONCE)

  async function answer(request: Request): Promise<Response> {
    const { pathname } = new URL(request.url)
    if (pathname === '/v1/room' && request.method === 'GET') {
      const json = shown()
      if (json === undefined)
        throw new SottoError('ROOM_NOT_READY', 'retry', 'this room has no fresh evidence yet')
      return new Response(json as Uint8Array<ArrayBuffer>, {
        headers: { 'content-type': 'application/json', 'cache-control': 'no-store' },
      })
    }
    if (pathname !== '/v1/runs' || request.method !== 'POST')
      throw serveError('HTTP_NOT_FOUND', 'a room has no such route')
    // It holds a place while it comes, and so has to come at a pace.
    return calls.run(async () =>
      answerSealed(await readPaced(request, MAX_ROOM_CALL_BYTES + SEALED_CALL_OVERHEAD_BYTES)),
    )
  }

  async function answerSealed(bytes: Uint8Array): Promise<Response> {
    let opened: ReturnType<typeof open>
    try {
      opened = open(bytes)
    } catch (cause) {
      throw roomRoleError(
        'ROOM_CALL',
        'the call is sealed to another room, or to this one before it started again',
        {
          cause,
        },
      )
    }
    let said: Uint8Array
    try {
      said = utf8(JSON.stringify(await runs.answer(parseRoomCall(opened.call))))
    } catch (error) {
      onRefused(error instanceof SottoError ? error.code : 'INTERNAL')
      said = new Uint8Array(await errorResponse(error).arrayBuffer())
    }
    return new Response(opened.answer(said) as Uint8Array<ArrayBuffer>, {
      headers: { 'content-type': SEALED_CALL_TYPE, 'cache-control': 'no-store' },
    })
  }

  return mapErrors(answer, { statuses: ROOM_STATUSES, onError: onRefused })
}

/** A call as it came out of its encapsulation. @throws `ROOM_CALL` */
export function parseRoomCall(bytes: Uint8Array): RoomCall {
  try {
    return roomCallDecoder(parseStrictJson(fromUtf8(bytes), { maxBytes: MAX_ROOM_CALL_BYTES }), 'call')
  } catch (cause) {
    throw roomRoleError('ROOM_CALL', 'this is no call to a room', { cause })
  }
}
