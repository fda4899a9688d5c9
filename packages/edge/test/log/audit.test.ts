import { DatabaseSync } from 'node:sqlite'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { utf8 } from '@sotto/protocol/bytes'
import { auditStore } from '../../src/log/audit.ts'
import { appendEntries, EMPTY_FRONTIER, rootOf } from '../../src/log/frontier.ts'
import { openSqliteStore } from '../../src/log/sqlite-store.ts'

const folder = mkdtempSync(join(tmpdir(), 'sotto-log-audit-'))
afterAll(() => rmSync(folder, { recursive: true }))
let count = 0

/** A store of 300 entries, changed behind the log's back. */
function tamper(sql: string, publishedSize = 300): () => void {
  const file = join(folder, `${count++}.db`)
  const store = openSqliteStore(file)
  const entries = Array.from({ length: 300 }, (_, index) => utf8(`entry ${index}`))
  const { frontier, hashes } = appendEntries(EMPTY_FRONTIER, entries)
  store.append({ firstIndex: 0, entries, hashes, tree: { size: 300, root: rootOf(frontier) } })
  store.close()
  const db = new DatabaseSync(file)
  db.exec(sql)
  db.close()
  return () => {
    const opened = openSqliteStore(file)
    try {
      auditStore(opened, publishedSize)
    } finally {
      opened.close()
    }
  }
}

test('an untouched store passes', () => {
  expect(tamper('SELECT 1')).not.toThrow()
})

test.each([
  ['an entry is changed', "UPDATE entries SET entry = x'00' WHERE idx = 7"],
  ['the last entry is removed', 'DELETE FROM entries WHERE idx = 299'],
  ['an entry in the middle is removed', 'DELETE FROM entries WHERE idx = 150'],
  ['all entries are removed', 'DELETE FROM entries'],
  ['an entry is added', "INSERT INTO entries VALUES (300, x'00')"],
  ['a leaf hash is changed', 'UPDATE hashes SET hash = zeroblob(32) WHERE level = 0 AND idx = 9'],
  ['a tile hash is removed', 'DELETE FROM hashes WHERE level = 1'],
  ['the index of a leaf is changed', 'UPDATE leaves SET idx = 8 WHERE idx = 9'],
  ['the index of a leaf is removed', 'DELETE FROM leaves WHERE idx = 9'],
  ['the root is changed', 'UPDATE tree SET root = zeroblob(32)'],
  ['the size is reduced', 'UPDATE tree SET size = 299'],
  ['the size is increased', 'UPDATE tree SET size = 301'],
])('refuses a store where %s', (_, sql) => {
  expect(tamper(sql)).toThrow(expect.objectContaining({ code: 'STORE_CORRUPT', action: 'stop' }))
})

test('refuses a store smaller than what was published', () => {
  expect(tamper('SELECT 1', 301)).toThrow(expect.objectContaining({ code: 'STORE_CORRUPT' }))
})
