import { fromUtf8, utf8 } from '@sotto/protocol/bytes'
import { type Decoder, parseStrictJson } from '@sotto/protocol/jcs'
import {
  MAX_ROOM_ANSWER_BYTES,
  MAX_ROOM_EVIDENCE_BYTES,
  type RoomCall,
  roomEvidenceDecoder,
} from '@sotto/protocol/room'
import { SEALED_CALL_OVERHEAD_BYTES, SEALED_CALL_TYPE, sealCall } from '@sotto/protocol/sealed-call'
import { refusingSteps, type TrustedService, type TrustPolicy } from '@sotto/verifier'
import { type VerifiedRoom, verifyRoom } from '@sotto/verifier/room'
import { clientError } from '../../errors.ts'
import { serviceErrorIn } from '../../service-error.ts'
import { readBounded } from '../../streams.ts'
import { INNER_ORIGIN } from '../../transport/index.ts'
import { roomRefusal } from '../refusal.ts'

/** What {@link createRoomCalls} needs of a connection. */
export interface RoomCallsOptions {
  /** Verified, to the service behind which the room is. */
  fetch: typeof globalThis.fetch
  service: () => Promise<TrustedService>
  policy: TrustPolicy
  /** Unix seconds. */
  now: () => number
}

/** Sealed calls to a room whose evidence was verified. */
export interface RoomCalls {
  /** The room, verified now. @throws `ROOM_OFFER`, `ROOM_REFUSED`, `ROOM_UNAVAILABLE` */
  room(signal?: AbortSignal): Promise<VerifiedRoom>
  /** @throws `ROOM_OFFER`, `ROOM_REFUSED`, `ROOM_UNAVAILABLE`, with the room's own code */
  ask<T>(call: RoomCall, decoder: Decoder<T>, options?: RoomAskOptions): Promise<T>
}

/** How a room is asked. */
export interface RoomAskOptions {
  signal?: AbortSignal | undefined
  /** Images that a contract pins: a room of another one is not asked. Absent: any room of the deployment. */
  images?: readonly string[]
}

/** How long a verified room is asked without looking at it again: its evidence is good for longer. */
const VERIFIED_SECONDS = 300

/** Calls to the room behind a service. Nothing is sent to a room before every step about it has passed. */
export function createRoomCalls({ fetch, service, policy, now }: RoomCallsOptions): RoomCalls {
  let verified: { room: VerifiedRoom; at: number } | undefined

  async function get(path: string, init: RequestInit, maxBytes: number): Promise<Uint8Array> {
    const response = await fetch(`${INNER_ORIGIN}/v1/rooms${path}`, init)
    const bytes = await readBounded(response.body as ReadableStream<Uint8Array> | null, maxBytes)
    if (response.ok && bytes !== undefined) return bytes
    throw roomRefusal('room', bytes, response.status)
  }

  async function look(signal?: AbortSignal): Promise<VerifiedRoom> {
    const bytes = await get('/room', signal ? { signal } : {}, MAX_ROOM_EVIDENCE_BYTES)
    let shown: ReturnType<typeof roomEvidenceDecoder>
    try {
      shown = roomEvidenceDecoder(
        parseStrictJson(fromUtf8(bytes), { maxBytes: MAX_ROOM_EVIDENCE_BYTES }),
        'room',
      )
    } catch (cause) {
      throw clientError('ROOM_UNAVAILABLE', 'the service shows something that is no evidence of a room', {
        cause,
      })
    }
    const { steps, room } = verifyRoom(shown, { service: await service(), policy, now: now() })
    if (room === undefined)
      throw clientError('ROOM_OFFER', 'the room does not pass, and nothing was sent to it', {
        found: refusingSteps(steps)
          .map(({ name, reason }) => `${name}: ${reason}`)
          .join('; '),
      })
    verified = { room, at: now() }
    return room
  }

  async function send<T>(
    room: VerifiedRoom,
    call: RoomCall,
    decoder: Decoder<T>,
    signal?: AbortSignal,
  ): Promise<T> {
    const sealed = sealCall(room.wrapKey, utf8(JSON.stringify(call)))
    const init = {
      method: 'POST',
      headers: { 'content-type': SEALED_CALL_TYPE },
      body: sealed.bytes as Uint8Array<ArrayBuffer>,
      ...(signal && { signal }),
    }
    const answer = sealed.open(await get('/runs', init, MAX_ROOM_ANSWER_BYTES + SEALED_CALL_OVERHEAD_BYTES))
    if (serviceErrorIn(answer).code !== undefined) throw roomRefusal('room', answer)
    try {
      return decoder(parseStrictJson(fromUtf8(answer), { maxBytes: MAX_ROOM_ANSWER_BYTES }), 'answer')
    } catch (cause) {
      throw clientError('ROOM_UNAVAILABLE', 'the room answered something that is no answer', { cause })
    }
  }

  return {
    room: look,
    async ask(call, decoder, { signal, images } = {}) {
      const isFresh = verified !== undefined && now() - verified.at < VERIFIED_SECONDS
      const room = requirePinned(isFresh ? verified!.room : await look(signal), images)
      try {
        return await send(room, call, decoder, signal)
      } catch (error) {
        // The room started again, and has another key: it is looked at anew, and asked once more.
        if (!isFresh || (error as { found?: string }).found !== 'ROOM_CALL') throw error
        return send(requirePinned(await look(signal), images), call, decoder, signal)
      }
    },
  }
}

/** @throws `ROOM_OFFER` */
function requirePinned(room: VerifiedRoom, images: readonly string[] | undefined): VerifiedRoom {
  const stranger = images && room.images.find((image) => !images.includes(image))
  if (stranger === undefined) return room
  throw clientError('ROOM_OFFER', 'the contract pins another program than the room that is here', {
    expected: images!.join(' or '),
    found: stranger,
  })
}
