import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { fromUtf8, toBase64Url, toHex } from '@sotto/protocol/bytes'
import { crypto } from '@sotto/protocol/crypto-backend'
import type { Decoder } from '@sotto/protocol/jcs'
import {
  type BoardFile,
  boardFileDecoder,
  type BoardOpening,
  type BoardPage,
  boardPageDecoder,
  signBoardOpening,
} from '@sotto/protocol/room'
import { openRooms, type RunningRooms } from '../../src/rooms/index.ts'
import { sha256 } from '../registry/parties.ts'

export const GENESIS = 'ab'.repeat(32)

/** A party that may open boards. */
export interface Party {
  key: string
  /** A board of its own, not yet open. */
  board(): TestBoard
}

export interface TestBoard {
  id: string
  /** Header of whoever has the token. */
  bearer: { authorization: string }
  opening(change?: Partial<BoardOpening>): string
}

export interface TestRooms extends RunningRooms {
  clock: { now: number }
  folder: string
  errors: string[]
  /** The process ends and another one starts on the same files. */
  restart(): TestRooms
  /** As {@link restart}, of one that was closed. */
  reopen(): TestRooms
  admit(owners: readonly { key: string; bytes?: number }[]): void
  call(method: string, path: string, body?: BodyInit, headers?: Record<string, string>): Promise<Response>
  /** Opens a board of this party. */
  open(party: Party): Promise<TestBoard>
  post(board: TestBoard, message: BodyInit): Promise<Response>
  page(board: TestBoard, after?: number | string): Promise<BoardPage>
  begin(board: TestBoard, content: Uint8Array, bytes?: number): Promise<Response>
  patch(board: TestBoard, digest: string, offset: number | string, body: BodyInit): Promise<Response>
  state(board: TestBoard, digest: string): Promise<BoardFile>
  /** Announces a file and brings it in parts of this many bytes. */
  upload(board: TestBoard, content: Uint8Array, part?: number): Promise<BoardFile>
  read(board: TestBoard, digest: string, range?: string, method?: string): Promise<Response>
}

export function createParty(clock: { now: number }): Party {
  const { seed: secretSeed, publicKey } = crypto.ed25519.generate()
  const key = toBase64Url(publicKey)
  return {
    key,
    board() {
      const id = toHex(crypto.randomBytes(32))
      const token = crypto.randomBytes(32)
      return {
        id,
        bearer: { authorization: `Bearer ${toBase64Url(token)}` },
        opening: (change = {}) =>
          signBoardOpening(
            {
              format: 'sotto-room-board/1',
              genesis: GENESIS,
              owner: key,
              board: id,
              token: sha256(token),
              createdAt: clock.now,
              ...change,
            },
            { secretSeed, publicKey },
          ),
      }
    },
  }
}

/** Boards on files of their own. */
export function openTestRooms(options: { maxPages?: number; maxBoards?: number } = {}): TestRooms {
  const folder = mkdtempSync(join(tmpdir(), 'sotto-rooms-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const clock = { now: 1_800_000_000 }
  const owners = join(folder, 'owners.json')

  function start(): TestRooms {
    const errors: string[] = []
    const rooms = openRooms({
      store: join(folder, 'store'),
      genesis: GENESIS,
      owners,
      uploadRestSeconds: 3600,
      restSeconds: 86_400,
      maxBoards: options.maxBoards ?? 4,
      now: () => clock.now,
      onError: (code) => errors.push(code),
      ...(options.maxPages !== undefined && { maxPages: options.maxPages }),
    })
    onTestFinished(() => {
      try {
        rooms.close()
      } catch {
        // The test did.
      }
    })
    const call: TestRooms['call'] = async (method, path, body, headers = {}) =>
      rooms.app(
        new Request(`http://boards.test${path}`, {
          method,
          headers,
          ...(body !== undefined && { body, duplex: 'half' }),
        }),
      )
    const at = ({ id }: TestBoard, path: string): string => `/v1/boards/${id}${path}`
    const begin: TestRooms['begin'] = (board, content, bytes = content.length) =>
      call('POST', at(board, '/files'), JSON.stringify({ digest: sha256(content), bytes }), board.bearer)
    const patch: TestRooms['patch'] = (board, digest, offset, body) =>
      call('PATCH', at(board, `/files/${digest}`), body, { ...board.bearer, 'upload-offset': `${offset}` })
    return {
      ...rooms,
      clock,
      folder: join(folder, 'store'),
      errors,
      restart() {
        rooms.close()
        return start()
      },
      reopen: start,
      admit(list) {
        const full = list.map(({ key, bytes = 100_000_000 }) => ({ key, models: 1, bytes }))
        writeFileSync(owners, JSON.stringify({ owners: full }))
      },
      call,
      async open(party) {
        const board = party.board()
        const response = await call('PUT', at(board, ''), board.opening())
        if (response.status !== 200) throw new Error(await response.text())
        return board
      },
      post: (board, message) => call('POST', at(board, '/messages'), message, board.bearer),
      async page(board, after) {
        const query = after === undefined ? '' : `?after=${after}`
        return decoded(
          await call('GET', at(board, `/messages${query}`), undefined, board.bearer),
          boardPageDecoder,
        )
      },
      begin,
      patch,
      async state(board, digest) {
        return fileOf(await call('GET', at(board, `/files/${digest}/state`), undefined, board.bearer))
      },
      async upload(board, content, part = content.length) {
        let state = await fileOf(await begin(board, content))
        while (!state.complete)
          state = await fileOf(
            await patch(
              board,
              state.digest,
              state.offset,
              content.slice(state.offset, state.offset + part) as BodyInit,
            ),
          )
        return state
      },
      read: (board, digest, range, method = 'GET') =>
        call(method, at(board, `/files/${digest}`), undefined, {
          ...board.bearer,
          ...(range !== undefined && { range }),
        }),
    }
  }
  return start()
}

export async function fileOf(response: Response): Promise<BoardFile> {
  return decoded(response, boardFileDecoder)
}

export async function indexOf(response: Response): Promise<number> {
  const { index } = (await response.json()) as { index: number }
  return index
}

export async function bytesOf(response: Response): Promise<Uint8Array> {
  return new Uint8Array(await response.arrayBuffer())
}

async function decoded<T>(response: Response, decoder: Decoder<T>): Promise<T> {
  const bytes = await bytesOf(response)
  if (response.status !== 200) throw new Error(`${response.status} ${fromUtf8(bytes)}`)
  return decoder(JSON.parse(fromUtf8(bytes)), 'answer')
}

/** A body that brings this much and then breaks off. */
export function cut(bytes: Uint8Array): ReadableStream {
  return new ReadableStream({
    start: (controller) => controller.enqueue(bytes),
    pull: (controller) => controller.error(new Error('gone')),
  })
}
