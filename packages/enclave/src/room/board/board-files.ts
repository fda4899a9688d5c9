import { fromUtf8 } from '@sotto/protocol/bytes'
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

/** Sealed files of a board. What it gives is compared with digests that somebody signed, or it is of no use. */
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

const TIMEOUT_MS = 60_000
const MAX_STATE_BYTES = 4096
/** What one request brings: a board takes more, but what is lost with a connection is small. */
const PART_BYTES: number = Math.min(8 * 1024 * 1024, MAX_BOARD_PART_BYTES)

/** Files of the boards at `url`. */
export function createBoardFiles(url: string, fetch: typeof globalThis.fetch = globalThis.fetch): BoardFiles {
  const base = url.replace(/\/+$/, '')

  async function ask(
    { board, token }: BoardAccess,
    path: string,
    init: {
      method: string
      headers?: Record<string, string>
      body?: Uint8Array | string
      signal: AbortSignal
    },
    maxBytes: number,
  ): Promise<{ status: number; bytes: Uint8Array }> {
    try {
      const { signal, body, ...rest } = init
      const response = await fetch(`${base}/v1/boards/${board}/files${path}`, {
        ...rest,
        ...(body !== undefined && { body: body as BodyInit }),
        headers: { authorization: `Bearer ${token}`, ...init.headers },
        redirect: 'error',
        signal: AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]),
      })
      return { status: response.status, bytes: await readBody(response, maxBytes) }
    } catch (cause) {
      init.signal.throwIfAborted()
      throw roomRoleError('ROOM_FILES', 'the board does not answer', { cause })
    }
  }

  async function state(
    access: BoardAccess,
    path: string,
    init: Parameters<typeof ask>[2],
  ): Promise<BoardFile | undefined> {
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
          file = await state(access, `/${digest}`, { method: 'PATCH', headers, body, signal })
          if (file !== undefined && !file.complete && file.offset <= offset) break
        }
        if (file?.complete === true && file.digest === digest) return
        throw roomRoleError('ROOM_FILES', 'the board does not take a sealed output')
      })
    },
  }
}
