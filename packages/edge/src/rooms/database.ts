import {
  createStoreErrors,
  type GuardedDatabase,
  openGuardedDatabase,
  type StoreErrors,
} from '../store/guarded-database.ts'

/**
 * What a board holds is counted where it changes, by the triggers: of a message its bytes, of a file its announced size.
 * Of a token only the SHA-256 is here.
 */
const SCHEMA = `
  CREATE TABLE IF NOT EXISTS boards (id TEXT PRIMARY KEY, owner TEXT NOT NULL, token TEXT NOT NULL, messages INTEGER NOT NULL DEFAULT 0, files INTEGER NOT NULL DEFAULT 0, bytes INTEGER NOT NULL DEFAULT 0, touched_at INTEGER NOT NULL) STRICT, WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS boards_by_owner ON boards (owner);
  CREATE TABLE IF NOT EXISTS messages (board TEXT NOT NULL, number INTEGER NOT NULL, digest BLOB NOT NULL, bytes INTEGER NOT NULL, content BLOB NOT NULL, PRIMARY KEY (board, number), UNIQUE (board, digest)) STRICT;
  CREATE TABLE IF NOT EXISTS files (id TEXT PRIMARY KEY, board TEXT NOT NULL, digest TEXT NOT NULL, bytes INTEGER NOT NULL, offset INTEGER NOT NULL, complete INTEGER NOT NULL, touched_at INTEGER NOT NULL, UNIQUE (board, digest)) STRICT, WITHOUT ROWID;
  CREATE TRIGGER IF NOT EXISTS message_counted AFTER INSERT ON messages BEGIN
    UPDATE boards SET messages = messages + 1, bytes = bytes + new.bytes WHERE id = new.board;
  END;
  CREATE TRIGGER IF NOT EXISTS file_counted AFTER INSERT ON files BEGIN
    UPDATE boards SET files = files + 1, bytes = bytes + new.bytes WHERE id = new.board;
  END;
  CREATE TRIGGER IF NOT EXISTS file_gone AFTER DELETE ON files BEGIN
    UPDATE boards SET files = files - 1, bytes = bytes - old.bytes WHERE id = old.board;
  END;
`

/** The database of the boards. Everything in it is sealed, or worthless without a token. */
export type RoomsDatabase = GuardedDatabase

/** `BOARD_DISK_FULL`, `BOARD_STORE_FAILED` */
export const roomsStoreError: StoreErrors = createStoreErrors({
  full: 'BOARD_DISK_FULL',
  failed: 'BOARD_STORE_FAILED',
  of: 'the boards',
})

/**
 * Opens or creates it.
 * @param maxPages upper bound of the file in pages of 4096 bytes; the disk is the default bound
 * @throws `STORE_IN_USE`, `STORE_CORRUPT`
 */
export function openRoomsDatabase(file: string, maxPages?: number): RoomsDatabase {
  return openGuardedDatabase(file, SCHEMA, roomsStoreError, maxPages)
}
