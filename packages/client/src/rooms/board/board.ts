import { fromBase64Url, toHex } from '@sotto/protocol/bytes'
import { crypto } from '@sotto/protocol/crypto-backend'
import { hex, integer, object } from '@sotto/protocol/jcs'
import type { Digest, UnixSeconds } from '@sotto/protocol/keyrelease'
import {
  type BoardMessage,
  boardPageDecoder,
  MAX_BOARD_PAGE_BYTES,
  signBoardOpening,
} from '@sotto/protocol/room'
import type { RangeReader } from '@sotto/protocol/sealed'
import { clientError } from '../../errors.ts'
import type { RoomParty } from '../party.ts'
import { boardApi } from './api.ts'
import { downloadSealed, type SealedFile, sealedReader, type TransferOptions, uploadSealed } from './files.ts'
import { keepEntries } from './keep-entries.ts'
import { type BoardEntry, readEntry, sealMessage } from './message.ts'
import type { RoomMessage } from './messages.ts'
import { type Retries, retrying } from './retry.ts'
import type { RoomSecret } from './secret.ts'

/** Most messages that a room has: whoever keeps the board could make a member read for ever. */
export const MAX_ROOM_MESSAGES = 10_000
const MAX_CHARACTERS = 268_435_456

/** What {@link openBoard} needs. */
export interface BoardOptions extends Retries {
  /** Verified: what is sent is for the enclave that was appraised. */
  fetch: typeof globalThis.fetch
  /** Most characters of sealed messages that one reading takes, with those kept before. @default 268435456 */
  maxCharacters?: number | undefined
}

/**
 * The board of a room, as a member has it. Whoever keeps it can leave messages out, put them in another order, or show an
 * earlier state: numbers are its own. It is believed in nothing. Several of these may be used at once.
 */
export interface Board {
  /** Opens the board, where it is not open yet. @param owner whom the operator admits @throws `ROOM_REFUSED`, `ROOM_UNAVAILABLE`, `ROOM_BOARD` */
  create(owner: RoomParty, about: { genesis: Digest; now: UnixSeconds }): Promise<void>
  /**
   * Seals a message and leaves it there, once however often it is sent.
   * @returns its index
   * @throws `JCS_FIELD` for a message that nobody could read; `REQUEST_TOO_LARGE`; as {@link create}
   */
  post(message: RoomMessage): Promise<number>
  /**
   * Messages after an index, without a gap. One that cannot be read is told as such, and the others follow.
   * @param after the last index that was read before. @default 0
   * @throws `ROOM_BOARD` where numbers have a gap or go back, or there are more messages than a room has; as {@link create}
   */
  read(after?: number): AsyncGenerator<BoardEntry>
  /**
   * All messages. What was read stays as it was, whatever the board shows there later: the next call asks for the last one
   * and what came after it. Where the board shows another one in its place, or none, it went back to an earlier state,
   * and all that it has now is read.
   * @throws as {@link read}
   */
  entries(): Promise<readonly BoardEntry[]>
  /** Brings a sealed file there; goes on where an earlier upload ended. @throws as {@link create} */
  upload(file: SealedFile, options?: TransferOptions): Promise<void>
  /** The bytes of a file, the last part only if all are what the digest names. @throws as {@link create} */
  download(digest: Digest, bytes: number, options?: TransferOptions): AsyncGenerator<Uint8Array>
  /** Reads places of a file, unverified: for what is sealed and proves itself. */
  reader(digest: Digest, bytes: number): RangeReader
}

const OPENED = { decoder: object({ board: hex(32) }), maxBytes: 4096 }
const POSTED = { decoder: object({ index: integer(1) }), maxBytes: 4096 }
const PAGE = { decoder: boardPageDecoder, maxBytes: MAX_BOARD_PAGE_BYTES }

/** The board of a room, through a verified `fetch`. Nothing is sent before one of its methods is called. */
export function openBoard(
  room: RoomSecret,
  { fetch, maxCharacters = MAX_CHARACTERS, ...retries }: BoardOptions,
): Board {
  const { signal } = retries
  const api = boardApi(fetch, room)
  const entryOf = ({ index, message }: BoardMessage): BoardEntry =>
    readEntry(room, index, fromBase64Url(message))

  /** @param before characters that count beside what is read @throws as {@link Board.read} */
  async function* sealedAfter(after: number, before: number): AsyncGenerator<BoardMessage> {
    let last = after
    let characters = before
    for (;;) {
      const path = `/messages?after=${last}`
      const { messages, more } = await retrying(() => api.call('GET', path, PAGE, { signal }), retries)
      for (const sealed of messages) {
        if (sealed.index !== ++last)
          throw clientError('ROOM_BOARD', 'the board leaves messages out or changes their order', {
            expected: `message ${last}`,
            found: `message ${sealed.index}`,
          })
        characters += sealed.message.length
        if (last > MAX_ROOM_MESSAGES || characters > maxCharacters)
          throw clientError('ROOM_BOARD', 'the board has more than a room has', {
            expected: `at most ${MAX_ROOM_MESSAGES} messages, ${maxCharacters} characters`,
          })
        yield sealed
      }
      if (!more) return
      if (messages.length === 0)
        throw clientError('ROOM_BOARD', 'the board has more messages, and shows none')
    }
  }

  return {
    async create(owner, { genesis, now }) {
      const body = signBoardOpening(
        {
          format: 'sotto-room-board/1',
          genesis,
          owner: owner.key,
          board: room.board,
          token: toHex(crypto.sha256(fromBase64Url(room.token))),
          createdAt: now,
        },
        owner.signer,
      )
      const { board } = await retrying(() => api.call('PUT', '', OPENED, { body, signal }), retries)
      if (board !== room.board) throw clientError('ROOM_BOARD', 'another board was opened')
    },
    async post(message) {
      const body = sealMessage(room, message)
      const request = { body, type: 'application/octet-stream', signal }
      return (await retrying(() => api.call('POST', '/messages', POSTED, request), retries)).index
    },
    async *read(after = 0) {
      for await (const sealed of sealedAfter(after, 0)) yield entryOf(sealed)
    },
    entries: keepEntries(sealedAfter, entryOf),
    upload: async (file, options) => uploadSealed(api, file, { ...retries, ...options }),
    download: (digest, bytes, options) => downloadSealed(api, { digest, bytes }, { ...retries, ...options }),
    reader: (digest, bytes) => sealedReader(api, { digest, bytes }, retries),
  }
}
