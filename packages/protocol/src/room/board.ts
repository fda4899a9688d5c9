/**
 * A board: where parties of one room leave messages and sealed files for each other and for rooms. Whoever keeps it sees
 * how many there are and how large, and nothing else; it is believed in nothing.
 */
import { fromBase64Url, fromUtf8, utf8 } from '../bytes/index.ts'
import { type DsseEnvelope, type DsseSigner, parseDsse, signDsse, verifySoleDsse } from '../dsse/index.ts'
import {
  base64url,
  boolean,
  type Decoder,
  hex,
  integer,
  list,
  literal,
  object,
  refine,
} from '../jcs/index.ts'
import { decodeDocument, type Digest, encodeDocument } from '../keyrelease/index.ts'
import type { Ed25519Key, UnixSeconds } from '../keyrelease/types.ts'
import { roomError } from './errors.ts'

/** DSSE payload type of a {@link BoardOpening}. */
export const BOARD_TYPE = 'application/vnd.sotto.room-board+json'

/** "Open a board for us": of an owner whom the operator admits, and whose quota it counts against. */
export interface BoardOpening {
  format: 'sotto-room-board/1'
  genesis: Digest
  owner: Ed25519Key
  /** 32 random bytes, hexadecimal. */
  board: string
  /** SHA-256 of the token that reads and writes. */
  token: Digest
  createdAt: UnixSeconds
}

/** Longest message, sealed. */
export const MAX_BOARD_MESSAGE_BYTES = 8_388_608
/** Most messages of one answer; it has fewer where they are long. */
export const MAX_BOARD_PAGE = 64
/** Longest page: at least one message of any length, as base64url. */
export const MAX_BOARD_PAGE_BYTES = 16_777_216
/** Most bytes of a file in one request, either way. */
export const MAX_BOARD_PART_BYTES: number = 32 * 1024 * 1024

/** A message as the board gives it back. */
export interface BoardMessage {
  /** From 1 up, without gaps. */
  index: number
  /** base64url. */
  message: string
}

/** Messages after some index, in order. */
export interface BoardPage {
  messages: BoardMessage[]
  /** Whether there are later ones. */
  more: boolean
}

/** How far a file has come. */
export interface BoardFile {
  /** SHA-256 of the file. */
  digest: Digest
  bytes: number
  /** Bytes that are there. */
  offset: number
  complete: boolean
}

const openingDecoder: Decoder<BoardOpening> = object<BoardOpening>({
  format: literal('sotto-room-board/1'),
  genesis: hex(32),
  owner: base64url(32),
  board: hex(32),
  token: hex(32),
  createdAt: integer(1),
})

/** Decodes a {@link BoardPage}. @throws `JCS_FIELD` */
export const boardPageDecoder: Decoder<BoardPage> = object<BoardPage>({
  messages: list(
    object<BoardMessage>({ index: integer(1), message: base64url(1, MAX_BOARD_MESSAGE_BYTES) }),
    0,
    MAX_BOARD_PAGE,
  ),
  more: boolean(),
})

/** Decodes a {@link BoardFile}. @throws `JCS_FIELD` */
export const boardFileDecoder: Decoder<BoardFile> = refine(
  object<BoardFile>({
    digest: hex(32),
    bytes: integer(1),
    offset: integer(0),
    complete: boolean(),
  }),
  ({ bytes, offset, complete }) =>
    offset <= bytes && (!complete || offset === bytes)
      ? undefined
      : 'there is more or less of it than it has',
)

/** Signs the opening of a board. */
export function signBoardOpening(opening: BoardOpening, owner: DsseSigner): string {
  return fromUtf8(signDsse(BOARD_TYPE, encodeDocument(opening), [owner]))
}

/**
 * The opening of a board, signed by the owner that it names and by nobody else. Whether that owner may open one is another question.
 * @throws `ROOM_DOCUMENT`, `ROOM_SIGNATURE`, `ROOM_OTHER`
 */
export function verifyBoardOpening(envelope: Uint8Array | string, genesis: Digest): BoardOpening {
  let parsed: DsseEnvelope
  let opening: BoardOpening
  try {
    parsed = parseDsse(typeof envelope === 'string' ? utf8(envelope) : envelope)
    opening = decodeDocument(parsed.payload, openingDecoder, 'opening')
  } catch (cause) {
    throw roomError('ROOM_DOCUMENT', 'this opens no board', { cause })
  }
  try {
    verifySoleDsse(parsed, BOARD_TYPE, [fromBase64Url(opening.owner)])
  } catch (cause) {
    throw roomError('ROOM_SIGNATURE', 'the owner that it names did not open this board', { cause })
  }
  if (opening.genesis === genesis) return opening
  throw roomError('ROOM_OTHER', 'the board is meant for another deployment', {
    expected: genesis,
    found: opening.genesis,
  })
}
