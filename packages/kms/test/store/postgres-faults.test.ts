import { execFileSync } from 'node:child_process'
import { mkdirSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { fromUtf8, utf8 } from '@sotto/protocol/bytes'
import type { SottoError } from '@sotto/protocol/errors'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import {
  openPostgresStore,
  parseDatabaseUrl,
  type StoreAccess,
  type StoreTerm,
} from '../../src/store/index.ts'
import { PostgresConnection } from '../../src/store/postgres-connection.ts'
import { Proxy } from '../postgres/proxy.ts'
import { describeWithPostgres } from '../postgres/describe.ts'
import { PASSWORD, PostgresServer } from '../postgres/server.ts'

const KEY = new Uint8Array(32).fill(7)
/** Longer than any test: these are about the data, and have one owner. */
const LEASE_MS = 60_000
let server: PostgresServer
let proxy: Proxy
let name: string
let stores = 0
const opened: StoreAccess[] = []

function access(url: string, timeoutMs = 3000): StoreAccess {
  const store = openPostgresStore({
    address: parseDatabaseUrl(url),
    name,
    sealingKey: KEY,
    leaseMs: LEASE_MS,
    timeoutMs,
  })
  opened.push(store)
  return store
}

const acquire = (url: string, timeoutMs?: number): Promise<StoreTerm> =>
  access(url, timeoutMs).acquire(AbortSignal.timeout(10_000))
const put = (table: string, key: string, value: string) => ({ table, key, value: utf8(value) })
const code = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => 'none',
    (error: unknown) => (error as { code?: string }).code ?? String(error),
  )

describeWithPostgres('PostgreSQL that fails', () => {
  beforeAll(async () => {
    server = await PostgresServer.create({ tls: true })
    proxy = await Proxy.create(server.port)
  }, 60_000)
  beforeEach(() => {
    name = `faulty-${stores++}`
    proxy.isSilent = false
    proxy.reset()
  })
  afterEach(() => Promise.all(opened.splice(0).map((store) => store.close())))
  afterAll(async () => {
    await proxy.close()
    await server.remove()
  })

  test(
    'a connection cut after any number of bytes leaves the whole transition or none, and the store goes on',
    { timeout: 120_000 },
    async () => {
      const { store } = await acquire(server.tcpUrl({ port: proxy.port }))
      await store.commit([put('t', 'counter', '0'), put('t', 'twin', '0')])
      proxy.reset()
      await store.commit([
        put('t', 'counter', '1'),
        put('t', 'twin', '1'),
        { table: 't', key: 'gone', value: null },
      ])
      const whole = { ...proxy.counts }
      let done = 1
      const seen = new Set<string>()
      for (const direction of ['fromClient', 'toClient'] as const) {
        const step = Math.max(1, Math.floor(whole[direction] / 24))
        for (let bytes = 0; bytes < whole[direction]; bytes += step) {
          const value = String(done + 1)
          proxy.reset({ [direction]: bytes })
          const failure = await code(store.commit([put('t', 'counter', value), put('t', 'twin', value)]))
          proxy.reset()
          proxy.dropAll()
          expect(failure, `${direction} ${bytes}`).toBe('KMS_STORE_FAILED')
          // Whether it happened nobody knows: without reading first there is no next commit.
          expect(await code(store.commit([put('t', 'x', 'x')]))).toBe('KMS_STORE_FAILED')
          const found = new Map((await store.readAll()).map((record) => [record.key, fromUtf8(record.value)]))
          expect(found.get('twin')).toBe(found.get('counter'))
          expect([String(done), value]).toContain(found.get('counter'))
          seen.add(`${direction} ${found.get('counter') === value ? 'happened' : 'did not'}`)
          done = Number(found.get('counter'))
        }
      }
      // Both outcomes of a lost connection occurred, or this test has not tried what it says.
      expect(seen).toContain('fromClient did not')
      expect(seen).toContain('toClient happened')
    },
  )

  test('a database that stops answering fails in bounded time, and serves again when it answers', async () => {
    const { store } = await acquire(server.tcpUrl({ port: proxy.port }), 700)
    await store.commit([put('t', 'a', '1')])
    proxy.isSilent = true
    const started = performance.now()
    expect(await code(store.commit([put('t', 'a', '2')]))).toBe('KMS_STORE_FAILED')
    expect(performance.now() - started).toBeLessThan(3000)
    proxy.isSilent = false
    proxy.dropAll()
    expect(await store.readAll()).toEqual([put('t', 'a', '1')])
    await store.commit([put('t', 'a', '3')])
  })

  test('a commit that was given up and arrives late changes nothing, and the store goes on', async () => {
    const { store } = await acquire(server.tcpUrl({ port: proxy.port }), 700)
    await store.commit([put('t', 'a', '1')])
    proxy.isHolding = true
    expect(await code(store.commit([put('t', 'a', 'late')]))).toBe('KMS_STORE_FAILED')
    // The network is well again for others; what was sent before is still on its way.
    proxy.isHolding = false
    await store.readAll().catch(() => undefined)
    expect(await store.readAll()).toEqual([put('t', 'a', '1')])
    proxy.release()
    await new Promise((resolve) => setTimeout(resolve, 300))
    expect(await store.readAll()).toEqual([put('t', 'a', '1')])
    await store.commit([put('t', 'a', '2')])
    expect(await store.readAll()).toEqual([put('t', 'a', '2')])
  })

  test(
    'PostgreSQL killed in the middle of commits keeps what it acknowledged, and half of nothing',
    { timeout: 120_000 },
    async () => {
      const { store } = await acquire(server.url())
      let acknowledged = 0
      for (let round = 0; round < 4; round++) {
        const before = acknowledged
        const writing = (async () => {
          for (;;) {
            const value = String(acknowledged + 1)
            await store.commit([put('t', 'counter', value), put('t', 'twin', value)])
            acknowledged++
          }
        })()
        await expect.poll(() => acknowledged).toBeGreaterThan(before)
        await new Promise((resolve) => setTimeout(resolve, Math.random() * 60))
        // Every backend ends where it is; what is on the disk is what there is.
        await Promise.all([
          server.crash(),
          expect(writing).rejects.toMatchObject({ code: 'KMS_STORE_FAILED' }),
        ])
        await server.start()
        const found = new Map((await store.readAll()).map((record) => [record.key, fromUtf8(record.value)]))
        expect(found.get('twin')).toBe(found.get('counter'))
        const counter = Number(found.get('counter'))
        expect(counter).toBeGreaterThanOrEqual(acknowledged)
        expect(counter).toBeLessThanOrEqual(acknowledged + 1)
        acknowledged = counter
      }
      expect(acknowledged).toBeGreaterThan(3)
    },
  )

  test('a full disk changes nothing, says so, and passes', { timeout: 30_000 }, async (context) => {
    const small = join(server.folder, 'small')
    mkdirSync(small)
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=3m,uid=65534,gid=65534,mode=700', 'tmpfs', small], {
        stdio: 'ignore',
      })
    } catch {
      rmSync(small, { recursive: true })
      context.skip('this user cannot mount a small file system')
    }
    try {
      server.psql(`CREATE TABLESPACE small LOCATION '${small}'`)
      server.psql(
        'CREATE DATABASE small TABLESPACE template_is_elsewhere'.replace(
          'TABLESPACE template_is_elsewhere',
          '',
        ),
      )
      const { store } = await acquire(server.url('small'))
      server.psql('ALTER TABLE sotto_kms_record SET TABLESPACE small', 'small')
      await store.commit([put('t', 'a', 'before')])
      const noise = Buffer.from(crypto.getRandomValues(new Uint8Array(60_000))).toString('hex')
      const large = Array.from({ length: 60 }, (_, n) => put('large', String(n), noise))
      await expect(store.commit([put('t', 'a', 'after'), ...large])).rejects.toMatchObject({
        code: 'KMS_STORE_FULL',
        action: 'retry',
      })
      expect(await store.readAll()).toEqual([put('t', 'a', 'before')])
      execFileSync('mount', ['-o', 'remount,size=64m', small])
      await store.commit([put('t', 'a', 'after'), ...large])
      expect(await store.readAll()).toHaveLength(61)
      server.psql('ALTER TABLE sotto_kms_record SET TABLESPACE pg_default', 'small')
      server.psql('DROP TABLESPACE small')
    } finally {
      execFileSync('umount', ['-l', small])
    }
  })

  test('a quota of the database is a full disk, too', async () => {
    const { store } = await acquire(server.url())
    await store.commit([put('t', 'a', 'before')])
    server.psql(
      `CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS
         $$ BEGIN RAISE EXCEPTION 'no room' USING ERRCODE = 'disk_full'; END $$;
       CREATE TRIGGER quota BEFORE INSERT OR UPDATE ON sotto_kms_record FOR EACH ROW
         WHEN (NEW.store = '${name}' AND NEW.key = 'b') EXECUTE FUNCTION refuse()`,
    )
    try {
      expect(await code(store.commit([put('t', 'a', 'after'), put('t', 'b', 'x')]))).toBe('KMS_STORE_FULL')
      expect(await store.readAll()).toEqual([put('t', 'a', 'before')])
    } finally {
      server.psql('DROP TRIGGER quota ON sotto_kms_record; DROP FUNCTION refuse()')
    }
    await store.commit([put('t', 'a', 'after'), put('t', 'b', 'x')])
    expect(await store.readAll()).toEqual([put('t', 'a', 'after'), put('t', 'b', 'x')])
  })

  test('TLS is what sslmode says', async () => {
    const at = (query: string): string => server.tcpUrl({ query })
    for (const query of ['?sslmode=require', `?sslmode=verify-ca&sslrootcert=${server.certificate}`]) {
      const { store, end } = await acquire(at(query))
      await store.commit([put('t', 'a', 'x')])
      await end()
    }
    const named = at(`?sslmode=verify-full&sslrootcert=${server.certificate}`).replace(
      '127.0.0.1',
      'localhost',
    )
    await (await acquire(named)).end()
    // Signed by itself, for another name, and by nobody this machine knows.
    for (const query of [
      `?sslmode=verify-full&sslrootcert=${server.certificate}`,
      '?sslmode=verify-ca',
      '?sslmode=verify-full',
    ])
      await expect(acquire(at(query))).rejects.toMatchObject({
        code: 'KMS_STORE_ACCESS',
        action: 'fix-input',
      })
    server.psql('ALTER SYSTEM SET ssl = off')
    server.psql('SELECT pg_reload_conf()')
    await expect.poll(() => server.psql('SHOW ssl')).toBe('off')
    await expect(acquire(at('?sslmode=require'))).rejects.toMatchObject({ code: 'KMS_STORE_ACCESS' })
    server.psql('ALTER SYSTEM SET ssl = on')
    server.psql('SELECT pg_reload_conf()')
  })

  test.each([
    ['a wrong password', () => server.tcpUrl({ password: 'hunter2' })],
    ['no password', () => server.tcpUrl().replace(`:${PASSWORD}`, '')],
    ['another user', () => server.tcpUrl().replace('sotto:', 'nobody-hunter2:')],
    ['a database that is not there', () => server.tcpUrl({ database: 'hunter2' })],
  ])('%s is for the operator to fix, and shows in no message', async (_, url) => {
    const error = await acquire(url()).catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ code: 'KMS_STORE_ACCESS', action: 'fix-input' })
    const { message, hint, found } = error as SottoError
    expect([message, hint, found].join(' ')).not.toMatch(new RegExp(`hunter2|${PASSWORD}`))
  })

  test('a server that sends without end is cut off', { timeout: 30_000 }, async () => {
    // Speaks as much PostgreSQL as it takes to be asked something, then floods.
    const flood = createServer((socket) => {
      socket.on('error', () => undefined)
      let isGreeted = false
      socket.on('data', () => {
        if (!isGreeted) {
          isGreeted = true
          socket.write(Buffer.from([0x52, 0, 0, 0, 8, 0, 0, 0, 0, 0x5a, 0, 0, 0, 5, 0x49]))
          return
        }
        const head = Buffer.from([0x44, 0x7f, 0xff, 0xff, 0xff])
        socket.write(head)
        const pour = (): void => void (socket.writable && socket.write(Buffer.alloc(1 << 20), pour))
        pour()
      })
    })
    await new Promise<void>((resolve) => flood.listen(0, '127.0.0.1', resolve))
    const { port } = flood.address() as { port: number }
    const connection = new PostgresConnection({
      address: parseDatabaseUrl(`postgresql://kms:x@127.0.0.1:${port}/sotto`),
      timeoutMs: 30_000,
      maxAnswerBytes: 4 * 1024 * 1024,
    })
    const before = process.memoryUsage.rss()
    await expect(connection.query('SELECT 1')).rejects.toMatchObject({ code: 'KMS_STORE_FAILED' })
    expect(process.memoryUsage.rss() - before).toBeLessThan(512 * 1024 * 1024)
    await connection.close()
    flood.close()
  })
})
