import { crypto } from '@sotto/protocol/crypto-backend'
import { edgeError } from '../errors.ts'
import { inTransaction, openDatabase, storeError } from '../store/database.ts'
import type { LogStore } from './store.ts'

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS entries (idx INTEGER PRIMARY KEY, entry BLOB NOT NULL) STRICT;
  CREATE TABLE IF NOT EXISTS hashes (level INTEGER, idx INTEGER, hash BLOB NOT NULL, PRIMARY KEY (level, idx)) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS leaves (hash BLOB PRIMARY KEY, idx INTEGER NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS tree (id INTEGER PRIMARY KEY CHECK (id = 1), size INTEGER NOT NULL, root BLOB NOT NULL) STRICT;
  CREATE TABLE IF NOT EXISTS published (id INTEGER PRIMARY KEY CHECK (id = 1), note TEXT NOT NULL) STRICT;
`

/**
 * A {@link LogStore} in one SQLite file.
 *
 * @param maxPages upper bound of the file in pages of 4096 bytes; the disk is the default bound
 * @throws `STORE_IN_USE`, `STORE_CORRUPT`; calls throw `LOG_STORE_FULL`, `LOG_STORE_FAILED` too
 */
export function openSqliteStore(file: string, maxPages?: number): LogStore {
  const db = openDatabase(file, SCHEMA, maxPages)
  const insertEntry = db.prepare('INSERT INTO entries (idx, entry) VALUES (?, ?)')
  const insertHash = db.prepare('INSERT INTO hashes (level, idx, hash) VALUES (?, ?, ?)')
  const insertLeaf = db.prepare('INSERT INTO leaves (hash, idx) VALUES (?, ?)')
  const updateTree = db.prepare(
    'INSERT INTO tree (id, size, root) VALUES (1, ?, ?) ON CONFLICT DO UPDATE SET size = excluded.size, root = excluded.root',
  )
  const selectTree = db.prepare('SELECT size, root FROM tree')
  const selectEntries = db.prepare('SELECT idx, entry FROM entries WHERE idx >= ? AND idx < ? ORDER BY idx')
  const selectHashes = db.prepare(
    'SELECT idx, hash FROM hashes WHERE level = ? AND idx >= ? AND idx < ? ORDER BY idx',
  )
  const selectLeaf = db.prepare('SELECT idx FROM leaves WHERE hash = ?')
  const selectPublished = db.prepare('SELECT note FROM published')
  const updatePublished = db.prepare(
    'INSERT INTO published (id, note) VALUES (1, ?) ON CONFLICT DO UPDATE SET note = excluded.note',
  )

  function guarded<T>(work: () => T): T {
    try {
      return work()
    } catch (error) {
      throw storeError(error)
    }
  }
  return {
    readTree: () =>
      guarded(() => {
        const row = selectTree.get() as { size: number; root: Uint8Array } | undefined
        return row === undefined ? { size: 0, root: crypto.sha256() } : { size: row.size, root: row.root }
      }),
    append(record) {
      inTransaction(db, () => {
        for (const [offset, entry] of record.entries.entries())
          insertEntry.run(record.firstIndex + offset, entry)
        for (const { level, index, hash } of record.hashes) {
          insertHash.run(level, index, hash)
          if (level === 0) insertLeaf.run(hash, index)
        }
        updateTree.run(record.tree.size, record.tree.root)
      })
    },
    readEntries: (start, count) =>
      guarded(() =>
        gapless(
          selectEntries.all(start, start + count) as { idx: number; entry: Uint8Array }[],
          start,
          (row) => row.entry,
        ),
      ),
    readHashes: (level, start, count) =>
      guarded(() =>
        gapless(
          selectHashes.all(level, start, start + count) as { idx: number; hash: Uint8Array }[],
          start,
          (row) => row.hash,
        ),
      ),
    findLeaf: (leaf) => guarded(() => (selectLeaf.get(leaf) as { idx: number } | undefined)?.idx),
    readPublished: () => guarded(() => (selectPublished.get() as { note: string } | undefined)?.note),
    writePublished: (note) => inTransaction(db, () => void updatePublished.run(note)),
    close: () => db.close(),
  }
}

function gapless<Row extends { idx: number }>(
  rows: Row[],
  start: number,
  value: (row: Row) => Uint8Array,
): Uint8Array[] {
  return rows.map((row, offset) => {
    if (row.idx !== start + offset)
      throw edgeError('STORE_CORRUPT', 'the store has lost a row', {
        expected: `index ${start + offset}`,
        found: `${row.idx}`,
      })
    return value(row)
  })
}
