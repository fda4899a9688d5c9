import { copyFile, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { utf8 } from '@sotto/protocol/bytes'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { claim } from '../../../../test/claims.ts'
import { openSqliteStore, type SqliteStore } from '../../src/store/index.ts'

const [OLD, NEW] = [1, 2].map((n) => new Uint8Array(32).fill(n)) as [Uint8Array, Uint8Array]
const put = (key: string, value: string) => ({ table: 't', key, value: utf8(value) })

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sotto-reseal-'))
})
afterEach(() => rm(folder, { recursive: true }))
const open = (sealingKey: Uint8Array, otherKeys: Uint8Array[] = []): SqliteStore =>
  openSqliteStore({ path: join(folder, 'kms.sqlite'), sealingKey, otherKeys })
const sealed = expect.objectContaining({ code: 'KMS_STORE_SEALED' }) as Error

test('a store is sealed anew as a whole, together with what changes', async () => {
  const store = open(OLD)
  await store.commit([put('a', '1'), put('b', '2')])
  await store.commit([put('b', '3'), { table: 't', key: 'a', value: null }, put('c', '4')], NEW)
  const expected = [put('b', '3'), put('c', '4')]
  expect(await store.readAll()).toEqual(expected)
  await store.commit([put('d', '5')])
  await store.close()
  expect(() => open(OLD)).toThrow(sealed)
  const again = open(NEW)
  expect(await again.readAll()).toEqual([...expected, put('d', '5')])
  await again.close()
})

test('a start that has both keys opens the store whichever of them seals it', async () => {
  const first = open(OLD)
  await first.commit([put('a', '1')])
  await first.close()
  const before = open(NEW, [OLD])
  expect(await before.readAll()).toEqual([put('a', '1')])
  await before.commit([put('b', '2')])
  await before.commit([], NEW)
  await before.close()
  const after = open(NEW, [OLD])
  expect(await after.readAll()).toEqual([put('a', '1'), put('b', '2')])
  await after.close()
  expect(() => open(OLD)).toThrow(sealed)
})

test('a reseal that fails changes nothing, and the store goes on under the old key', async () => {
  const store = open(OLD)
  await store.commit([put('a', '1')])
  store.exec("CREATE TEMP TRIGGER broken BEFORE UPDATE ON record BEGIN SELECT RAISE(ABORT, 'broken'); END")
  await expect(store.commit([put('b', '2')], NEW)).rejects.toMatchObject({ action: 'retry' })
  store.exec('DROP TRIGGER broken')
  expect(await store.readAll()).toEqual([put('a', '1')])
  await store.commit([put('c', '3')])
  await store.close()
  const again = open(OLD)
  expect(await again.readAll()).toEqual([put('a', '1'), put('c', '3')])
  await again.close()
})

const SAVE = 'CREATE TEMP TABLE saved AS SELECT * FROM record'
const PUT_BACK = 'DELETE FROM record; INSERT INTO record SELECT * FROM temp.saved'
const tampered = { code: 'KMS_STORE_TAMPERED', action: 'stop' }

test(claim('T11', 'a whole copy that is older than what a process has seen is not read again'), async () => {
  const store = open(OLD)
  await store.commit([put('a', '1')])
  store.exec(SAVE)
  await store.commit([put('a', '2')])
  expect(await store.readAll()).toEqual([put('a', '2')])
  store.exec(PUT_BACK)
  await expect(store.readAll()).rejects.toMatchObject(tampered)
  await store.close()
})

test.each([
  ['older', [put('a', '2')]],
  ['newer', []],
])(
  claim('T11', 'a reseal does not seal %s records, put there since the last commit, as its own'),
  async (_which, afterwards) => {
    const store = open(OLD)
    await store.commit([put('a', '1')])
    if (afterwards.length === 0) {
      // Somebody with the same key went on in a copy.
      const file = join(folder, 'kms.sqlite')
      await store.close()
      await copyFile(file, `${file}.copy`)
      const copy = openSqliteStore({ path: `${file}.copy`, sealingKey: OLD })
      await copy.commit([put('a', '3')])
      await copy.close()
    }
    const running = afterwards.length === 0 ? open(OLD) : store
    if (afterwards.length === 0)
      running.exec(`ATTACH '${join(folder, 'kms.sqlite.copy')}' AS copy; CREATE TEMP TABLE saved AS
        SELECT * FROM copy.record`)
    else {
      running.exec(SAVE)
      await running.commit(afterwards)
    }
    running.exec(PUT_BACK)
    await expect(running.commit([put('b', '1')], NEW)).rejects.toMatchObject(tampered)
    await running.close()
    expect(() => open(NEW)).toThrow(sealed)
  },
)
