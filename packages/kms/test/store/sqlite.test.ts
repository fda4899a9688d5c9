import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { copyFile, mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { fileURLToPath } from 'node:url'
import { fromUtf8, utf8 } from '@sotto/protocol/bytes'
import { afterAll, beforeEach, expect, test } from 'vitest'
import { openSqliteStore, type SqliteStore } from '../../src/store/index.ts'
import { testStore } from './contract.ts'
import { MemoryStore } from './memory.ts'

const KEY = new Uint8Array(32).fill(7)
const dirs: string[] = []
let path: string
let memory: MemoryStore
beforeEach(async () => {
  memory = new MemoryStore()
  const dir = await mkdtemp(join(tmpdir(), 'sotto-store-'))
  dirs.push(dir)
  path = join(dir, 'kms.sqlite')
})
afterAll(() => Promise.all(dirs.map((dir) => rm(dir, { recursive: true, force: true }))))

const open = (sealingKey: Uint8Array = KEY): SqliteStore => openSqliteStore({ path, sealingKey })
const put = (table: string, key: string, value: string) => ({ table, key, value: utf8(value) })

testStore('sqlite', async () => open())
testStore('memory', async () => memory)

/** Changes the file behind the store's back. */
function tamper(sql: string): void {
  const database = new DatabaseSync(path)
  database.exec(sql)
  database.close()
}

async function allBytes(): Promise<string> {
  const dir = join(path, '..')
  const files = await Promise.all((await readdir(dir)).map((name) => readFile(join(dir, name))))
  return Buffer.concat(files).toString('latin1')
}

test('what is stored lies sealed on the disk, and survives closing', async () => {
  const store = open()
  await store.commit([put('key', '1', 'the private key itself')])
  expect(await allBytes()).not.toContain('private key')
  await store.close()
  const again = open()
  expect(await again.readAll()).toEqual([put('key', '1', 'the private key itself')])
  await again.close()
})

test('a store copied under another measurement does not open', async () => {
  const store = open()
  await store.commit([put('key', '1', 'x')])
  await store.close()
  expect(() => open(new Uint8Array(32).fill(8))).toThrowError(
    expect.objectContaining({ code: 'KMS_STORE_SEALED', action: 'stop' }),
  )
})

test('a second process is told that the store is in use', async () => {
  const store = open()
  expect(() => open()).toThrowError(expect.objectContaining({ code: 'KMS_STORE_IN_USE' }))
  await store.close()
})

test.each([
  ['changed', "UPDATE record SET sealed = zeroblob(60) WHERE key = 'a'"],
  ['moved to another key', "UPDATE record SET key = 'c' WHERE key = 'a'"],
  ['moved to another table', "UPDATE record SET tbl = 'u' WHERE key = 'a'"],
  ['given another version', "UPDATE record SET version = version + 1 WHERE key = 'a'"],
  ['removed', "DELETE FROM record WHERE key = 'a'"],
  ['copied', "INSERT INTO record SELECT 't', 'c', version, sealed FROM record WHERE key = 'a'"],
  [
    'swapped',
    "UPDATE record SET sealed = (SELECT sealed FROM record AS o WHERE o.key = 'b' AND record.key = 'a' OR o.key = 'a' AND record.key = 'b') WHERE key IN ('a', 'b')",
  ],
  ['without a manifest', "DELETE FROM record WHERE tbl = ''"],
])('notices a record that was %s', async (_, sql) => {
  const store = open()
  await store.commit([put('t', 'a', 'one'), put('t', 'b', 'two')])
  await store.close()
  tamper(sql)
  expect(() => open()).toThrowError(expect.objectContaining({ code: 'KMS_STORE_TAMPERED', action: 'stop' }))
})

test('notices one record put back alone', async () => {
  const store = open()
  await store.commit([put('t', 'a', 'old'), put('t', 'b', 'x')])
  await store.close()
  await copyFile(path, `${path}.old`)
  const later = open()
  await later.commit([put('t', 'a', 'new')])
  await later.close()
  tamper(
    `ATTACH '${path}.old' AS old; UPDATE record SET (version, sealed) = (SELECT version, sealed FROM old.record WHERE key = 'a') WHERE key = 'a'`,
  )
  expect(() => open()).toThrowError(expect.objectContaining({ code: 'KMS_STORE_TAMPERED' }))
})

test('a file that is no database is refused', async () => {
  tamper('CREATE TABLE x (y)')
  await rm(path)
  await copyFile(fileURLToPath(import.meta.url), path)
  expect(() => open()).toThrowError(expect.objectContaining({ code: 'KMS_STORE_TAMPERED' }))
})

test('a removed record is overwritten, in the file and in the write-ahead log', async () => {
  const store = open()
  const marker = 'f'.repeat(64)
  // The name lies in clear, so it shows where the freed bytes went.
  await store.commit([put('key', marker, 'private')])
  expect(await allBytes()).toContain(marker)
  await store.commit([{ table: 'key', key: marker, value: null }])
  expect(await allBytes()).not.toContain(marker)
  await store.close()
  expect(await allBytes()).not.toContain(marker)
})

test('a full disk changes nothing, says so, and passes', async () => {
  const store = open()
  await store.commit([put('t', 'a', 'before')])
  store.exec('PRAGMA max_page_count=8')
  const large = put('t', 'b', 'x'.repeat(200_000))
  await expect(store.commit([put('t', 'a', 'after'), large])).rejects.toMatchObject({
    code: 'KMS_STORE_FULL',
    action: 'retry',
  })
  expect(await store.readAll()).toEqual([put('t', 'a', 'before')])
  store.exec('PRAGMA max_page_count=100000')
  await store.commit([put('t', 'a', 'after'), large])
  expect(await store.readAll()).toEqual([put('t', 'a', 'after'), large])
  await store.close()
})

test('a process killed at any moment loses nothing it acknowledged and leaves no half transition', async () => {
  const script = fileURLToPath(new URL('./fixture-writer.ts', import.meta.url))
  let acknowledged = 0
  for (let round = 0; round < 10; round++) {
    const child = spawn(process.execPath, [script, path], { stdio: ['ignore', 'pipe', 'inherit'] })
    let output = ''
    child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()))
    await once(child.stdout, 'data')
    await new Promise((resolve) => setTimeout(resolve, Math.random() * 40))
    child.kill('SIGKILL')
    await once(child, 'close')
    acknowledged = Number(output.trim().split('\n').at(-1))
    const store = open()
    const records = new Map(
      (await store.readAll()).map((record) => [record.table + record.key, fromUtf8(record.value)]),
    )
    await store.close()
    const counter = Number(records.get('tcounter'))
    expect(records.get('ttwin')).toBe(String(counter))
    expect(counter).toBeGreaterThanOrEqual(acknowledged)
    expect(counter).toBeLessThanOrEqual(acknowledged + 1)
    expect(records.has(`log${counter % 50}`)).toBe(true)
    expect(records.has(`log${(counter + 7) % 50}`)).toBe(false)
  }
  expect(acknowledged).toBeGreaterThan(10)
})
