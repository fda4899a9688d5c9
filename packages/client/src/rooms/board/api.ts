import { fromUtf8 } from '@sotto/protocol/bytes'
import { type Decoder, parseStrictJson } from '@sotto/protocol/jcs'
import type { BoardAccess } from '@sotto/protocol/room'
import { clientError } from '../../errors.ts'
import { readBounded } from '../../streams.ts'
import { INNER_ORIGIN } from '../../transport/index.ts'
import { roomRefusal } from '../refusal.ts'

/** What is asked for, beside method and path. */
export interface BoardRequest {
  body?: string | Uint8Array
  /** @default application/json */
  type?: string
  headers?: Record<string, string>
  signal?: AbortSignal | undefined
}

/** Requests about one board, inside the encryption. Nothing that answers is believed. */
export interface BoardApi {
  /** @param path below the board @throws `ROOM_REFUSED`, `ROOM_UNAVAILABLE`, `ROOM_BOARD`; what `fetch` throws */
  call<T>(
    method: string,
    path: string,
    answer: { decoder: Decoder<T>; maxBytes: number },
    request?: BoardRequest,
  ): Promise<T>
  /** Exactly these bytes of a file. @throws as {@link call} */
  range(path: string, start: number, length: number, signal?: AbortSignal): Promise<Uint8Array>
}

const BASE = `${INNER_ORIGIN}/v1/rooms/boards`
const MAX_ERROR_BYTES = 65_536

/** {@link BoardApi} through a verified `fetch`. */
export function boardApi(fetch: typeof globalThis.fetch, { board, token }: BoardAccess): BoardApi {
  async function send(
    method: string,
    path: string,
    { body, headers, signal }: BoardRequest,
  ): Promise<Response> {
    const response = await fetch(`${BASE}/${board}${path}`, {
      method,
      ...(body !== undefined && { body: body as BodyInit }),
      headers: { 'sotto-board-token': token, ...headers },
      ...(signal && { signal }),
    })
    if (response.ok) return response
    throw roomRefusal('board', await bodyOf(response, MAX_ERROR_BYTES), response.status)
  }
  return {
    async call(method, path, { decoder, maxBytes }, { type = 'application/json', headers, ...request } = {}) {
      const response = await send(method, path, { ...request, headers: { 'content-type': type, ...headers } })
      const bytes = await bodyOf(response, maxBytes)
      if (bytes === undefined) throw clientError('ROOM_BOARD', 'the board answered more than an answer')
      try {
        return decoder(parseStrictJson(fromUtf8(bytes), { maxBytes }), 'answer')
      } catch (cause) {
        throw clientError('ROOM_BOARD', 'the board answered something that is no answer', { cause })
      }
    },
    async range(path, start, length, signal) {
      const headers = { range: `bytes=${start}-${start + length - 1}` }
      const response = await send('GET', path, { headers, signal })
      const bytes = response.status === 206 ? await bodyOf(response, length) : undefined
      if (bytes?.length === length) return bytes
      throw clientError('ROOM_BOARD', 'the board answered other bytes than it was asked for', {
        expected: `${length} bytes, status 206`,
        found: bytes === undefined ? `status ${response.status}, or more` : `${bytes.length}`,
      })
    },
  }
}

function bodyOf(response: Response, maxBytes: number): Promise<Uint8Array | undefined> {
  return readBounded(response.body as ReadableStream<Uint8Array> | null, maxBytes)
}
