import { fromUtf8, utf8 } from '@sotto/protocol/bytes'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { claim } from '../../../../test/claims.ts'
import type { SealedStore } from '../../src/store/index.ts'
import { describeWithPostgres } from '../postgres/describe.ts'
import { KmsStores } from '../postgres/kms-stores.ts'
import { Proxy } from '../postgres/proxy.ts'
import { PostgresServer } from '../postgres/server.ts'

const [OLD, NEW] = [1, 2].map((n) => new Uint8Array(32).fill(n)) as [Uint8Array, Uint8Array]
const put = (key: string, value: string) => ({ table: 't', key, value: utf8(value) })
const sealed = { code: 'KMS_STORE_SEALED', action: 'stop' }

let server: PostgresServer
let proxy: Proxy
let name: string
const stores = new KmsStores(() => server)
const throughProxy = (): string => server.tcpUrl({ port: proxy.port })

/** As a start opens it; whoever had it before has ended. */
async function open(keys: Uint8Array[], url?: string): Promise<SealedStore> {
  return (await stores.acquire(name, keys, url)).store
}

describeWithPostgres('a store in PostgreSQL under another root secret', () => {
  beforeAll(async () => {
    server = await PostgresServer.create()
    proxy = await Proxy.create(server.port)
  }, 60_000)
  beforeEach(() => {
    name = stores.newName()
    proxy.reset()
  })
  afterEach(() => stores.close())
  afterAll(async () => {
    await proxy.close()
    await server.remove()
  })

  test('is sealed anew as a whole, together with what changes', async () => {
    const store = await open([OLD])
    await store.commit([put('a', '1'), put('b', '2')])
    await store.commit([put('b', '3'), { table: 't', key: 'a', value: null }, put('c', '4')], NEW)
    const expected = [put('b', '3'), put('c', '4')]
    expect(await store.readAll()).toEqual(expected)
    await store.commit([put('d', '5')])
    await expect(open([OLD])).rejects.toMatchObject(sealed)
    expect(await (await open([NEW])).readAll()).toEqual([...expected, put('d', '5')])
  })

  test('opens for a start that has both keys, whichever of them seals it', async () => {
    await (await open([OLD])).commit([put('a', '1')])
    const before = await open([NEW, OLD])
    expect(await before.readAll()).toEqual([put('a', '1')])
    await before.commit([put('b', '2')])
    await before.commit([], NEW)
    expect(await (await open([NEW, OLD])).readAll()).toEqual([put('a', '1'), put('b', '2')])
    await expect(open([OLD])).rejects.toMatchObject(sealed)
  })

  test('stays under the old one when sealing it anew is refused', async () => {
    const store = await open([OLD])
    await store.commit([put('a', '1')])
    server.psql(
      `CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS
         $$ BEGIN RAISE EXCEPTION 'no room' USING ERRCODE = 'disk_full'; END $$;
       CREATE TRIGGER quota BEFORE INSERT OR UPDATE ON sotto_kms_record FOR EACH ROW
         WHEN (NEW.store = '${name}' AND NEW.key = 'b') EXECUTE FUNCTION refuse()`,
    )
    try {
      await expect(store.commit([put('b', '2')], NEW)).rejects.toMatchObject({ code: 'KMS_STORE_FULL' })
    } finally {
      server.psql('DROP TRIGGER quota ON sotto_kms_record; DROP FUNCTION refuse()')
    }
    expect(await store.readAll()).toEqual([put('a', '1')])
    await store.commit([put('c', '3')])
    expect(await (await open([OLD])).readAll()).toEqual([put('a', '1'), put('c', '3')])
  })

  test(
    'is whole under one of the two wherever the connection breaks, and the store goes on under it',
    { timeout: 120_000 },
    async () => {
      const seen = new Set<string>()
      for (const direction of ['fromClient', 'toClient'] as const) {
        // An undisturbed one says how many bytes there are to cut at.
        const whole = await resealThrough()
        for (let n = 0; n < 8; n++)
          seen.add(
            await resealThrough({ [direction]: Math.floor((whole.bytes[direction] * n) / 8) }).then(
              ({ is }) => `${direction} ${is}`,
            ),
          )
      }
      // Both ends of a broken connection occurred, or this test has not tried what it says.
      expect(seen).toContain('fromClient old')
      expect(seen).toContain('toClient new')
    },
  )

  /** One reseal over a connection that is cut, and what a start finds then. */
  async function resealThrough(cut?: Proxy['cut']): Promise<{ is: 'old' | 'new'; bytes: Proxy['counts'] }> {
    name = stores.newName()
    proxy.reset()
    const store = await open([OLD], throughProxy())
    await store.commit([put('counter', '1'), put('twin', '1')])
    proxy.reset(cut)
    const resealing = store.commit([put('counter', '2'), put('twin', '2')], NEW)
    if (cut === undefined) await resealing
    else await expect(resealing).rejects.toMatchObject({ code: 'KMS_STORE_FAILED', action: 'retry' })
    const bytes = { ...proxy.counts }
    proxy.reset()
    if (cut !== undefined) proxy.dropAll()
    const found = new Map((await store.readAll()).map(({ key, value }) => [key, fromUtf8(value)]))
    expect(found.get('twin')).toBe(found.get('counter'))
    await store.commit([put('after', 'x')])
    const is = found.get('counter') === '2' ? 'new' : 'old'
    await expect(open([is === 'new' ? OLD : NEW])).rejects.toMatchObject(sealed)
    expect(await (await open([NEW, OLD])).readAll()).toHaveLength(3)
    await stores.close()
    return { is, bytes }
  }

  test('is under one of the two when PostgreSQL is killed meanwhile', { timeout: 60_000 }, async () => {
    const noise = Buffer.from(crypto.getRandomValues(new Uint8Array(60_000))).toString('hex')
    const many = Array.from({ length: 40 }, (_, n) => put(`large-${n}`, noise))
    const store = await open([OLD])
    await store.commit([put('counter', '1'), ...many])
    const resealing = store.commit([put('counter', '2')], NEW).then(
      () => true,
      () => false,
    )
    await new Promise((resolve) => setTimeout(resolve, Math.random() * 60))
    await server.crash()
    const isAcknowledged = await resealing
    await server.start()
    const found = await (await open([NEW, OLD])).readAll()
    expect(found).toHaveLength(41)
    const isNew = fromUtf8(found.find(({ key }) => key === 'counter')!.value) === '2'
    if (isAcknowledged) expect(isNew).toBe(true)
    await expect(open([isNew ? OLD : NEW])).rejects.toMatchObject(sealed)
  })

  test(
    claim('T11', 'a database put back while it ran is not sealed anew as this process’s own'),
    async () => {
      const store = await open([OLD])
      await store.commit([put('a', '1')])
      server.psql(`CREATE TABLE kept AS SELECT * FROM sotto_kms_record WHERE store = '${name}'`)
      await store.commit([put('a', '2')])
      server.psql(
        `DELETE FROM sotto_kms_record WHERE store = '${name}';
         INSERT INTO sotto_kms_record SELECT * FROM kept; DROP TABLE kept`,
      )
      const tampered = { code: 'KMS_STORE_TAMPERED', action: 'stop' }
      await expect(store.commit([put('b', '1')], NEW)).rejects.toMatchObject(tampered)
      await expect(open([NEW])).rejects.toMatchObject(sealed)
    },
  )
})
