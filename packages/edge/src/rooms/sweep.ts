import type { RoomsDatabase } from './database.ts'
import type { FileFolder } from './file-folder.ts'

/** What one sweep threw away. */
export interface Swept {
  boards: number
  /** Unfinished ones, of boards that stay. */
  uploads: number
}

/**
 * Throws away boards at which nobody wrote for too long, with all they have, and unfinished files that rested too long.
 * Rows go before files: what a killed process leaves is a file that the next start removes.
 */
export function sweep(
  database: RoomsDatabase,
  folder: FileFolder,
  { now, restSeconds, uploadRestSeconds }: { now: number; restSeconds: number; uploadRestSeconds: number },
): Swept {
  const { db } = database
  const gone: { id: string }[] = []
  let boards: { id: string }[] = []
  let uploads = 0
  database.transaction(() => {
    boards = db.prepare('SELECT id FROM boards WHERE touched_at <= ?').all(now - restSeconds) as {
      id: string
    }[]
    for (const { id } of boards) {
      db.prepare('DELETE FROM messages WHERE board = ?').run(id)
      gone.push(...(db.prepare('DELETE FROM files WHERE board = ? RETURNING id').all(id) as { id: string }[]))
      db.prepare('DELETE FROM boards WHERE id = ?').run(id)
    }
    const rested = db
      .prepare('DELETE FROM files WHERE complete = 0 AND touched_at <= ? RETURNING id')
      .all(now - uploadRestSeconds) as { id: string }[]
    uploads = rested.length
    gone.push(...rested)
  })
  for (const { id } of gone) folder.remove(id)
  return { boards: boards.length, uploads }
}
