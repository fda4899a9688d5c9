import { inTransaction, openDatabase, storeError } from '../store/database.ts'

/** The newest checkpoint a witness has cosigned for one log. */
export interface WitnessRecord {
  size: number
  root: Uint8Array
}

/**
 * What a witness remembers: one record per log. `write` is durable when it returns; when it throws,
 * either record may be there. Whoever can put an older file in its place makes this witness cosign
 * a fork: run it where the log's operator cannot.
 */
export interface WitnessStore {
  read(origin: string): WitnessRecord | undefined
  write(origin: string, record: WitnessRecord): void
  /** Whether nothing was ever cosigned. */
  isEmpty(): boolean
  close(): void
}

const SCHEMA =
  'CREATE TABLE IF NOT EXISTS latest (origin TEXT PRIMARY KEY, size INTEGER NOT NULL, root BLOB NOT NULL) STRICT'

/** A {@link WitnessStore} in one SQLite file. @throws `STORE_IN_USE`, `STORE_CORRUPT` */
export function openWitnessStore(file: string, maxPages?: number): WitnessStore {
  const db = openDatabase(file, SCHEMA, maxPages)
  const select = db.prepare('SELECT size, root FROM latest WHERE origin = ?')
  const upsert = db.prepare(
    'INSERT INTO latest (origin, size, root) VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET size = excluded.size, root = excluded.root',
  )
  return {
    read(origin) {
      try {
        const row = select.get(origin) as { size: number; root: Uint8Array } | undefined
        return row === undefined ? undefined : { size: row.size, root: row.root }
      } catch (error) {
        throw storeError(error)
      }
    },
    write: (origin, { size, root }) => inTransaction(db, () => void upsert.run(origin, size, root)),
    isEmpty: () => db.prepare('SELECT 1 FROM latest LIMIT 1').get() === undefined,
    close: () => db.close(),
  }
}
