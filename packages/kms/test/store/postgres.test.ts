import { utf8 } from '@sotto/protocol/bytes'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import {
  openPostgresStore,
  parseDatabaseUrl,
  type StoreAccess,
  type StoreTerm,
} from '../../src/store/index.ts'
import { describeWithPostgres } from '../postgres/describe.ts'
import { PostgresServer } from '../postgres/server.ts'
import { testStore } from './contract.ts'

const KEY = new Uint8Array(32).fill(7)
let server: PostgresServer
let name: string
let stores = 0
const opened: StoreAccess[] = []

function access(options: { sealingKey?: Uint8Array; name?: string; url?: string } = {}): StoreAccess {
  const { sealingKey = KEY, url = server.url() } = options
  const store = openPostgresStore({
    address: parseDatabaseUrl(url),
    name: options.name ?? name,
    sealingKey,
    leaseMs: 2000,
  })
  opened.push(store)
  return store
}

const acquire = (options: Parameters<typeof access>[0] = {}): Promise<StoreTerm> =>
  access(options).acquire(AbortSignal.timeout(8000))
const put = (table: string, key: string, value: string) => ({ table, key, value: utf8(value) })

describeWithPostgres('PostgreSQL', () => {
  beforeAll(async () => {
    server = await PostgresServer.create()
  }, 60_000)
  beforeEach(() => {
    name = `store-${stores++}`
  })
  afterEach(() => Promise.all(opened.splice(0).map((store) => store.close())))
  afterAll(() => server.remove())

  testStore('postgres', async () => {
    const shared = access()
    const { store, end } = await shared.acquire(AbortSignal.timeout(8000))
    return {
      readAll: () => store.readAll(),
      commit: (changes) => store.commit(changes),
      close: () => end().then(() => shared.close()),
    }
  })

  test('what is stored lies sealed in the database, and survives closing', async () => {
    const first = await acquire()
    await first.store.commit([put('key', '1', 'the private key itself')])
    await first.end()
    const hex = Buffer.from('the private key itself').toString('hex')
    const dump = server.tool('pg_dumpall', ['-h', server.folder, '-p', String(server.port), '-U', 'sotto'])
    expect(dump).toContain(`${name}\tkey\t1`)
    expect(dump).not.toContain(hex)
    expect(dump).not.toContain('private key')
    const again = await acquire()
    expect(await again.store.readAll()).toEqual([put('key', '1', 'the private key itself')])
  })

  test('a store under another measurement does not open, and neither does one put in its place', async () => {
    const { end } = await acquire()
    await end()
    await expect(acquire({ sealingKey: new Uint8Array(32).fill(8) })).rejects.toMatchObject({
      code: 'KMS_STORE_SEALED',
      action: 'stop',
    })
  })

  test.each([
    ['changed', "UPDATE r SET sealed = '\\x00' WHERE key = 'a'"],
    ['moved to another key', "UPDATE r SET key = 'c' WHERE key = 'a'"],
    ['moved to another table', "UPDATE r SET tbl = 'u' WHERE key = 'a'"],
    ['given another version', "UPDATE r SET version = version + 1 WHERE key = 'a'"],
    ['given an impossible version', "UPDATE r SET version = 9223372036854775807 WHERE key = 'a'"],
    ['removed', "DELETE FROM r WHERE key = 'a'"],
    ['copied', "INSERT INTO r SELECT store, 't', 'c', version, sealed FROM r WHERE key = 'a'"],
    [
      'swapped',
      "UPDATE r SET sealed = o.sealed FROM r AS o WHERE r.tbl = 't' AND o.tbl = 't' AND o.key <> r.key",
    ],
    ['without a manifest', "DELETE FROM r WHERE tbl = ''"],
  ])('notices a record that was %s', async (_, sql) => {
    const first = await acquire()
    await first.store.commit([put('t', 'a', 'one'), put('t', 'b', 'two')])
    await first.end()
    server.psql(`CREATE TEMP VIEW r AS SELECT * FROM sotto_kms_record WHERE store = '${name}'; ${sql}`)
    const reading = acquire().then((term) => term.store.readAll())
    await expect(reading).rejects.toMatchObject({ code: 'KMS_STORE_TAMPERED', action: 'stop' })
  })

  test('notices one record put back alone', async () => {
    const { store, end } = await acquire()
    await store.commit([put('t', 'a', 'old'), put('t', 'b', 'x')])
    server.psql(`CREATE TABLE kept AS SELECT * FROM sotto_kms_record WHERE store = '${name}' AND key = 'a'`)
    await store.commit([put('t', 'a', 'new')])
    server.psql(
      `UPDATE sotto_kms_record AS r SET version = kept.version, sealed = kept.sealed FROM kept
       WHERE r.store = kept.store AND r.tbl = kept.tbl AND r.key = kept.key; DROP TABLE kept`,
    )
    await expect(store.readAll()).rejects.toMatchObject({ code: 'KMS_STORE_TAMPERED' })
    await end()
  })

  test('notices at the next commit that the whole store was put back while it ran', async () => {
    const { store } = await acquire()
    await store.commit([put('t', 'a', 'old')])
    server.psql(`CREATE TABLE kept AS SELECT * FROM sotto_kms_record WHERE store = '${name}'`)
    await store.commit([put('t', 'a', 'new')])
    server.psql(
      `DELETE FROM sotto_kms_record WHERE store = '${name}'; INSERT INTO sotto_kms_record SELECT * FROM kept; DROP TABLE kept`,
    )
    await expect(store.commit([put('t', 'b', 'x')])).rejects.toMatchObject({ code: 'KMS_STORE_TAMPERED' })
  })

  test('two stores of one database are two stores', async () => {
    const first = await acquire()
    const second = await acquire({ name: `${name}-other` })
    await first.store.commit([put('t', 'a', 'one')])
    expect(await second.store.readAll()).toEqual([])
    server.psql(`UPDATE sotto_kms_record SET store = '${name}-other' WHERE store = '${name}' AND tbl = 't'`)
    await expect(second.store.readAll()).rejects.toMatchObject({ code: 'KMS_STORE_TAMPERED' })
  })

  test('processes that open a new database at once agree on one store', async () => {
    server.psql('CREATE DATABASE fresh')
    const url = server.url('fresh')
    const terms = await Promise.all(
      Array.from({ length: 4 }, async () => {
        const term = await access({ url }).acquire(AbortSignal.timeout(20_000))
        const before = await term.store.readAll()
        await term.store.commit([put('t', String(before.length), 'x')])
        await term.end()
        return before.length
      }),
    )
    expect(terms.toSorted()).toEqual([0, 1, 2, 3])
  })

  test('a user who may not make tables can use those that are there', async () => {
    server.psql(
      `CREATE USER plain; GRANT SELECT, INSERT, UPDATE, DELETE ON sotto_kms_store, sotto_kms_record TO plain`,
    )
    const url = server.url().replace('user=sotto', 'user=plain')
    const { store } = await acquire({ url })
    await store.commit([put('t', 'a', 'x')])
    expect(await store.readAll()).toEqual([put('t', 'a', 'x')])
    server.psql('CREATE DATABASE empty')
    await expect(acquire({ url: url.replace('/postgres?', '/empty?') })).rejects.toMatchObject({
      code: 'KMS_STORE_ACCESS',
      action: 'fix-input',
    })
  })

  test('a value as large as they get goes in and comes out', async () => {
    const { store } = await acquire()
    const value = new Uint8Array(4 * 1024 * 1024).map((_, index) => index * 7)
    await store.commit([{ table: 't', key: 'large', value }])
    expect(Buffer.compare((await store.readAll())[0]!.value, value)).toBe(0)
  })
})
