import { edgeError } from '../errors.ts'
import type { OwnerQuota } from '../owners/index.ts'
import type { Board } from './boards.ts'
import type { RoomsDatabase } from './database.ts'

/** Most messages of one board. */
export const MAX_MESSAGES = 10_000
/** Most files of one board, unfinished ones included. */
export const MAX_FILES = 4096

/** @throws `BOARD_QUOTA` where the owner has as many boards as it may */
export function requireBoard(database: RoomsDatabase, owner: string, maxBoards: number): void {
  const { boards } = usageOf(database, owner)
  requireBelow('boards', boards, 1, maxBoards)
}

/**
 * Whether a board may take a message or a file of so many bytes: they count against the quota of its owner, over all its
 * boards, and a file counts whole from its announcement on.
 * @throws `BOARD_QUOTA`
 */
export function requireSpace(
  database: RoomsDatabase,
  board: Board,
  added: { what: 'messages' | 'files'; bytes: number },
  quota: OwnerQuota,
): void {
  const most = { messages: MAX_MESSAGES, files: MAX_FILES }
  requireBelow(`${added.what} on this board`, board[added.what], 1, most[added.what])
  requireBelow('bytes', usageOf(database, board.owner).bytes, added.bytes, quota.bytes)
}

function usageOf({ db, guarded }: RoomsDatabase, owner: string): { boards: number; bytes: number } {
  return guarded(() =>
    db
      .prepare('SELECT count(*) AS boards, coalesce(sum(bytes), 0) AS bytes FROM boards WHERE owner = ?')
      .get(owner),
  ) as { boards: number; bytes: number }
}

function requireBelow(what: string, has: number, more: number, most: number): void {
  if (has + more <= most) return
  throw edgeError('BOARD_QUOTA', `there may be ${most} ${what}, and there are ${has}`, {
    expected: `at most ${most} ${what}`,
    found: `${has} and ${more} more`,
    hint: 'Ask the operator for more, or wait until boards that nobody uses are gone.',
  })
}
