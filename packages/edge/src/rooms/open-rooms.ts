import { join } from 'node:path'
import type { App } from '@sotto/serve/errors'
import { openOwners } from '../owners/index.ts'
import { createRoomsApp } from './app.ts'
import { openBoards } from './boards.ts'
import { openRoomsDatabase } from './database.ts'
import { openFileFolder, recoverFiles } from './file-folder.ts'
import { openFiles } from './files.ts'
import { openMessages } from './messages.ts'
import { sweep, type Swept } from './sweep.ts'

/** Everything boards need from outside. */
export interface OpenRoomsOptions {
  /** Folder of everything they keep. */
  store: string
  genesis: string
  /** File of the owners. */
  owners: string
  uploadRestSeconds: number
  restSeconds: number
  maxBoards: number
  /** Unix seconds. */
  now: () => number
  /** Bound of the database, for tests. */
  maxPages?: number
  onError?: (code: string) => void
}

/** Boards without their listener. */
export interface RunningRooms {
  app: App
  /** Throws away what rested too long. @throws `BOARD_DISK_FULL`, `BOARD_STORE_FAILED` */
  tick(): Swept
  close(): void
}

/** Opens the store and brings files and database in line. @throws `STORE_IN_USE`, `STORE_CORRUPT` */
export function openRooms(options: OpenRoomsOptions): RunningRooms {
  const { store, genesis, uploadRestSeconds, restSeconds, maxBoards, now, onError } = options
  const folder = openFileFolder(join(store, 'files'))
  const database = openRoomsDatabase(join(store, 'boards.db'), options.maxPages)
  recoverFiles(database, folder)
  const boards = openBoards(database, { maxBoards, now })
  const app = createRoomsApp({
    genesis,
    owners: openOwners(options.owners, {
      code: 'BOARD_OWNER',
      stranger: 'there are no boards here for this owner',
    }),
    boards,
    messages: openMessages(database, boards, now),
    files: openFiles({ database, boards, folder, now }),
    now,
    ...(onError && { onError }),
  })
  return {
    app,
    tick: () => sweep(database, folder, { now: now(), restSeconds, uploadRestSeconds }),
    close: () => database.close(),
  }
}
