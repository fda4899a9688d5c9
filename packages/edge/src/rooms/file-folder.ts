import { mkdirSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { sizeOf } from '../store/files.ts'
import type { RoomsDatabase } from './database.ts'

/** Where files lie, each under an id of its own; which of them count, and for which board, the database says. */
export interface FileFolder {
  path(id: string): string
  /** Only of what no row names any more: what the disk does not let go now is removed at the next start. */
  remove(id: string): void
  /** Ids of everything that lies here. */
  list(): string[]
}

/** Opens the folder, made when absent (mode 0700). */
export function openFileFolder(folder: string): FileFolder {
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const path = (id: string): string => join(folder, id)
  return {
    path,
    remove(id) {
      try {
        rmSync(path(id), { force: true })
      } catch {
        // Nobody reaches it.
      }
    },
    list: () => readdirSync(folder).filter((name) => !name.startsWith('.')),
  }
}

/**
 * What was being stored when the process ended, brought in line with the database. A file of which the disk lost
 * something is begun again by whoever has it.
 */
export function recoverFiles({ db, guarded }: RoomsDatabase, folder: FileFolder): void {
  const rows = guarded(() => db.prepare('SELECT id, offset FROM files').all()) as {
    id: string
    offset: number
  }[]
  const here = new Set(folder.list())
  const kept = new Set<string>()
  for (const { id, offset } of rows)
    if (here.has(id) && sizeOf(folder.path(id)) >= offset) kept.add(id)
    else guarded(() => db.prepare('DELETE FROM files WHERE id = ?').run(id))
  for (const id of here) if (!kept.has(id)) folder.remove(id)
}
