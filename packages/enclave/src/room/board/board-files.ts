import { fromUtf8 } from '@sotto/protocol/bytes'
import { hasCode } from '@sotto/protocol/errors'
import { parseStrictJson } from '@sotto/protocol/jcs'
import {
  type BoardAccess,
  type BoardFile,
  boardFileDecoder,
  MAX_BOARD_PART_BYTES,
} from '@sotto/protocol/room'
import { readBody } from '@sotto/serve/limits'
import { roomRoleError } from '../errors.ts'
import { patiently } from '../patiently.ts'

/**
 * Sealed files of a board. What it gives is compared with digests that somebody signed, or it is of no use. Only runs that
 * were charged read and write them: one that is silent, or says that it cannot now, is asked until `signal` ends the run, as
 * a room does once its offer is over. What it answers otherwise is its answer, after a few attempts.
 */
export interface BoardFiles {
  /** Bytes of a file. @throws `ROOM_FILES` */
  read(
    access: BoardAccess,
    digest: string,
    range: { start: number; length: number },
    signal: AbortSignal,
  ): Promise<Uint8Array>
  /** Puts a sealed file there; one that is there already stays. @throws `ROOM_FILES` */
  write(access: BoardAccess, digest: string, sealed: Uint8Array, signal: AbortSignal): Promise<void>
}

interface Init {
  method: string
  headers?: Record<string, string>
  body?: Uint8Array | string
  signal: AbortSignal
}

interface Answer {
  status: number
  bytes: Uint8Array
}

/** In the place of more bytes than were asked for. */
const NO_ANSWER: Answer = { status: 0, bytes: new Uint8Array() }
/** Request Timeout, Too Many Requests: like those from 500 on they say nothing of what was asked. */
const NOT_NOW: readonly number[] = [408, 429]
const TIMEOUT_MS = 60_000
const MAX_STATE_BYTES = 4096
/** What one request brings: a board takes more, but what is lost with a connection is small. */
const PART_BYTES: number = Math.min(8 * 1024 * 1024, MAX_BOARD_PART_BYTES)

/** Files of the boards at `url`. */
export function createBoardFiles(url: string, fetch: typeof globalThis.fetch = globalThis.fetch): BoardFiles {
  const base = url.replace(/\/+$/, '')

  /** One exchange, however long the board is away: it is of the operator, and no party can make it silent. */
  function ask(access: BoardAccess, path: string, init: Init, maxBytes: number): Promise<Answer> {
    return patiently(
      init.signal,
      () => exchange(access, path, init, maxBytes),
      () => false,
    )
  }

  async function exchange(
    { board, token }: BoardAccess,
    path: string,
    { signal, body, headers, method }: Init,
    maxBytes: number,
  ): Promise<Answer> {
    let answer: Answer
    try {
      const response = await fetch(`${base}/v1/boards/${board}/files${path}`, {
        method,
        ...(body !== undefined && { body: body as BodyInit }),
        headers: { authorization: `Bearer ${token}`, ...headers },
        redirect: 'error',
        signal: AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]),
      })
      answer = { status: response.status, bytes: await readBody(response, maxBytes) }
    } catch (cause) {
      signal.throwIfAborted()
      if (hasCode(cause, 'HTTP_BODY_TOO_LARGE')) return NO_ANSWER
      throw roomRoleError('ROOM_FILES', 'the board does not answer', { cause })
    }
    const { status } = answer
    if (status < 500 && !NOT_NOW.includes(status)) return answer
    throw roomRoleError('ROOM_FILES', 'the board cannot answer now', { found: `status ${status}` })
  }

  async function state(access: BoardAccess, path: string, init: Init): Promise<BoardFile | undefined> {
    const { status, bytes } = await ask(access, path, init, MAX_STATE_BYTES)
    if (status !== 200) return undefined
    try {
      return boardFileDecoder(parseStrictJson(fromUtf8(bytes)), 'file')
    } catch (cause) {
      throw roomRoleError('ROOM_FILES', 'the board answers something that is no answer', { cause })
    }
  }

  return {
    async read(access, digest, { start, length }, signal) {
      const headers = { range: `bytes=${start}-${start + length - 1}` }
      return patiently(signal, async () => {
        const init = { method: 'GET', headers, signal }
        const { status, bytes } = await ask(access, `/${digest}`, init, Math.max(length, MAX_STATE_BYTES))
        if (status === 206 && bytes.length === length) return bytes
        throw roomRoleError('ROOM_FILES', 'the board does not have that sealed file', {
          expected: `${length} bytes`,
          found: `status ${status}, ${bytes.length} bytes`,
        })
      })
    },
    async write(access, digest, sealed, signal) {
      const begin = (): Promise<BoardFile | undefined> =>
        state(access, '', {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify({ digest, bytes: sealed.length }),
          signal,
        })
      await patiently(signal, async () => {
        let file = await begin()
        while (file !== undefined && !file.complete && file.digest === digest) {
          const { offset } = file
          const body = sealed.subarray(offset, offset + PART_BYTES)
          const headers = { 'content-type': 'application/octet-stream', 'upload-offset': `${offset}` }
          // Of a part whose answer was lost it may have some or all already.
          file =
            (await state(access, `/${digest}`, { method: 'PATCH', headers, body, signal })) ?? (await begin())
          if (file !== undefined && !file.complete && file.offset <= offset) break
        }
        if (file?.complete === true && file.digest === digest) return
        throw roomRoleError('ROOM_FILES', 'the board does not take a sealed output')
      })
    },
  }
}
