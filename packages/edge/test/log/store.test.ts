import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { utf8 } from '@sotto/protocol/bytes'
import { emptyRoot, leafHash } from '@sotto/protocol/merkle'
import { auditStore } from '../../src/log/audit.ts'
import { appendEntries, EMPTY_FRONTIER, type Frontier, rootOf } from '../../src/log/frontier.ts'
import { openSqliteStore } from '../../src/log/sqlite-store.ts'
import type { LogStore } from '../../src/log/store.ts'
import { createMemoryStore } from './memory-store.ts'

const folder = mkdtempSync(join(tmpdir(), 'sotto-log-store-'))
afterAll(() => rmSync(folder, { recursive: true }))
let count = 0
const newFile = (): string => join(folder, `${count++}.db`)

function append(store: LogStore, frontier: Frontier, ...entries: string[]): Frontier {
  const next = appendEntries(
    frontier,
    entries.map((entry) => utf8(entry)),
  )
  const tree = { size: next.frontier.size, root: rootOf(next.frontier) }
  store.append({
    firstIndex: frontier.size,
    entries: entries.map((entry) => utf8(entry)),
    hashes: next.hashes,
    tree,
  })
  return next.frontier
}

const numbered = (n: number): string[] => Array.from({ length: n }, (_, index) => `entry ${index}`)

describe.each([
  ['memory', (): LogStore => createMemoryStore()],
  ['SQLite', (): LogStore => openSqliteStore(newFile())],
])('the store contract, %s', (_, open) => {
  test('a new store holds the empty tree', () => {
    const store = open()
    expect(store.readTree()).toEqual({ size: 0, root: emptyRoot() })
    expect([store.readPublished(), store.readEntries(0, 10), store.findLeaf(leafHash(utf8('x')))]).toEqual([
      undefined,
      [],
      undefined,
    ])
    store.close()
  })

  test('what was appended is read back, in order, by index and by leaf', () => {
    const store = open()
    const frontier = append(store, append(store, EMPTY_FRONTIER, ...numbered(300)), 'last')
    expect(store.readTree()).toEqual({ size: 301, root: rootOf(frontier) })
    expect(store.readEntries(299, 5).map((entry) => Buffer.from(entry).toString())).toEqual([
      'entry 299',
      'last',
    ])
    expect(store.findLeaf(leafHash(utf8('entry 7')))).toBe(7)
    expect(store.readHashes(0, 256, 256)).toHaveLength(45)
    expect(store.readHashes(1, 0, 256)).toHaveLength(1)
    expect(auditStore(store, 300).frontier).toEqual(frontier)
    store.close()
  })

  test('an append that does not follow the last one changes nothing', () => {
    const store = open()
    const frontier = append(store, EMPTY_FRONTIER, 'a', 'b')
    expect(() => append(store, EMPTY_FRONTIER, 'c')).toThrow()
    expect(store.readTree()).toEqual({ size: 2, root: rootOf(frontier) })
    expect(auditStore(store, 0).frontier).toEqual(frontier)
    store.close()
  })

  test('the published checkpoint is the last one written', () => {
    const store = open()
    store.writePublished('one')
    store.writePublished('two')
    expect(store.readPublished()).toBe('two')
    store.close()
  })
})

test('what was written survives closing', () => {
  const file = newFile()
  const first = openSqliteStore(file)
  const frontier = append(first, EMPTY_FRONTIER, 'a', 'b', 'c')
  first.close()
  const second = openSqliteStore(file)
  expect(auditStore(second, 3)).toEqual({ frontier, publishedRoot: rootOf(frontier) })
  second.close()
})

test('a second process cannot open the store', () => {
  const file = newFile()
  const first = openSqliteStore(file)
  expect(() => openSqliteStore(file)).toThrow(expect.objectContaining({ code: 'STORE_IN_USE' }))
  first.close()
})

test('a file that is no store is refused, not overwritten', () => {
  const file = newFile()
  writeFileSync(file, 'x'.repeat(4096))
  expect(() => openSqliteStore(file)).toThrow(expect.objectContaining({ code: 'STORE_CORRUPT' }))
})

test('a full disk is a clear error, leaves the tree as it was, and reads go on', () => {
  const store = openSqliteStore(newFile(), 40)
  let frontier = append(store, EMPTY_FRONTIER, 'first')
  const fill = (): void => {
    for (let i = 0; i < 1000; i++) frontier = append(store, frontier, `${i} ${'x'.repeat(10_000)}`)
  }
  expect(fill).toThrow(expect.objectContaining({ code: 'LOG_STORE_FULL', action: 'retry' }))
  expect(store.readTree()).toEqual({ size: frontier.size, root: rootOf(frontier) })
  expect(auditStore(store, 1).frontier).toEqual(frontier)
  store.close()
})
