import { crypto } from '@sotto/protocol/crypto-backend'
import { type BoardPage, MAX_BOARD_PAGE, MAX_BOARD_PAGE_BYTES } from '@sotto/protocol/room'
import type { OwnerQuota } from '../owners/index.ts'
import type { Boards } from './boards.ts'
import type { RoomsDatabase } from './database.ts'
import { requireSpace } from './quota.ts'

/** What parties left for each other. */
export interface Messages {
  /**
   * Keeps a message, durably when this returns; the same bytes again are the same message.
   * @returns its index on this board, from 1 up without gaps
   * @throws `BOARD_UNKNOWN`, `BOARD_QUOTA`, `BOARD_DISK_FULL`, `BOARD_STORE_FAILED`
   */
  post(board: string, content: Uint8Array, quota: OwnerQuota): number
  /** Messages after an index: as many as one page takes, and at least one where there is one. */
  page(board: string, after: number): BoardPage
}

/** JSON around a message, with an index of any length; and around the list of them. */
const JSON_AROUND_BYTES = 64

/** Makes {@link Messages} over an open store. */
export function openMessages(database: RoomsDatabase, boards: Boards, now: () => number): Messages {
  const { db, guarded } = database

  return {
    post(id, content, quota) {
      const board = boards.now(id)
      const digest = crypto.sha256(content)
      const known = guarded(() =>
        db.prepare('SELECT number FROM messages WHERE board = ? AND digest = ?').get(id, digest),
      ) as { number: number } | undefined
      if (known !== undefined) return known.number
      requireSpace(database, board, { what: 'messages', bytes: content.length }, quota)
      const number = board.messages + 1
      database.transaction(() => {
        db.prepare('INSERT INTO messages (board, number, digest, bytes, content) VALUES (?, ?, ?, ?, ?)').run(
          id,
          number,
          digest,
          content.length,
          content,
        )
        db.prepare('UPDATE boards SET touched_at = ? WHERE id = ?').run(now(), id)
      })
      return number
    },
    page(id, after) {
      const later = guarded(() =>
        db
          .prepare(
            'SELECT number, bytes FROM messages WHERE board = ? AND number > ? ORDER BY number LIMIT ?',
          )
          .all(id, after, MAX_BOARD_PAGE + 1),
      ) as { number: number; bytes: number }[]
      const shown = fitting(later.map(({ bytes }) => bytes))
      const last = later[shown - 1]?.number ?? after
      const rows = guarded(() =>
        db
          .prepare(
            'SELECT number, content FROM messages WHERE board = ? AND number > ? AND number <= ? ORDER BY number',
          )
          .all(id, after, last),
      ) as { number: number; content: Uint8Array }[]
      return {
        messages: rows.map(({ number, content }) => ({
          index: number,
          message: Buffer.from(content.buffer, content.byteOffset, content.length).toString('base64url'),
        })),
        more: shown < later.length,
      }
    },
  }
}

/** How many messages of these sizes fit into a page; the first one always does. */
function fitting(sizes: readonly number[]): number {
  let left = MAX_BOARD_PAGE_BYTES - JSON_AROUND_BYTES
  for (const [at, bytes] of sizes.entries()) {
    left -= Math.ceil((bytes * 4) / 3) + JSON_AROUND_BYTES
    if (at > 0 && (left < 0 || at === MAX_BOARD_PAGE)) return at
  }
  return sizes.length
}
