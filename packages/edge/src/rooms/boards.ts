import { equalBytes, fromBase64Url, fromHex } from '@sotto/protocol/bytes'
import { crypto } from '@sotto/protocol/crypto-backend'
import type { SottoError } from '@sotto/protocol/errors'
import type { BoardOpening } from '@sotto/protocol/room'
import { edgeError, type EdgeErrorCode } from '../errors.ts'
import type { RoomsDatabase } from './database.ts'
import { requireBoard } from './quota.ts'

/** A board as it is now. */
export interface Board {
  /** 32 bytes, hexadecimal. */
  id: string
  /** Ed25519 public key, base64url. */
  owner: string
  messages: number
  files: number
  /** Of messages, and announced sizes of files. */
  bytes: number
}

/** Which boards there are, and what opens them. */
export interface Boards {
  /** Whether this owner opened this very board before, with this token. @throws `BOARD_TAKEN` where somebody else did */
  isOpen(opening: BoardOpening): boolean
  /** Opens a board that is not there yet. @throws `BOARD_QUOTA`, `BOARD_DISK_FULL`, `BOARD_STORE_FAILED` */
  open(opening: BoardOpening): void
  /**
   * The board that this `authorization` header opens. Who guesses learns nothing: a board that is not there and a token
   * that does not open it are one answer.
   * @throws `BOARD_UNKNOWN`
   */
  require(id: string, authorization: string | null): Board
  /** The board as it is after something was waited for. @throws `BOARD_UNKNOWN` where it was swept meanwhile */
  now(id: string): Board
}

/** RFC 6750 Section 2.1, of a token of 32 bytes. */
const BEARER = /^Bearer ([\w-]{43})$/i
/** Hashed and compared where there is no token, or no board: that takes as long. */
const NO_TOKEN = new Uint8Array(32)
const NO_DIGEST = '00'.repeat(32)

/** Makes {@link Boards} over an open store. */
export function openBoards(
  database: RoomsDatabase,
  { maxBoards, now }: { maxBoards: number; now: () => number },
): Boards {
  const { db, guarded } = database
  const find = (id: string): (Board & { token: string }) | undefined =>
    guarded(() => db.prepare('SELECT * FROM boards WHERE id = ?').get(id)) as
      | (Board & { token: string })
      | undefined

  return {
    isOpen({ board, owner, token }) {
      const known = find(board)
      if (known === undefined) return false
      if (known.owner === owner && equalBytes(fromHex(known.token), fromHex(token))) return true
      throw edgeError('BOARD_TAKEN', 'a board of this id was opened before, by another owner or token', {
        hint: 'Draw another id.',
      })
    },
    open({ board, owner, token }) {
      requireBoard(database, owner, maxBoards)
      guarded(() =>
        db
          .prepare('INSERT INTO boards (id, owner, token, touched_at) VALUES (?, ?, ?, ?)')
          .run(board, owner, token, now()),
      )
    },
    require(id, authorization) {
      const known = find(id)
      const token = tokenIn(authorization)
      const isRight = equalBytes(crypto.sha256(token ?? NO_TOKEN), fromHex(known?.token ?? NO_DIGEST))
      if (known === undefined || token === undefined || !isRight) throw unknown()
      return known
    },
    now(id) {
      const known = find(id)
      if (known === undefined) throw unknown()
      return known
    },
  }
}

/** The 32 bytes after `Bearer`; undefined where that is not what the header has. */
function tokenIn(authorization: string | null): Uint8Array | undefined {
  const [, token] = BEARER.exec(authorization ?? '') ?? []
  if (token === undefined) return undefined
  try {
    return fromBase64Url(token)
  } catch {
    return undefined
  }
}

function unknown(): SottoError<EdgeErrorCode> {
  return edgeError('BOARD_UNKNOWN', 'no such board, or this token does not open it')
}
