import { CUSTODY_TYPES } from '@sotto/protocol/custody'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { deriveRoot } from '../../src/root/index.ts'
import { describeWithPostgres } from '../postgres/describe.ts'
import { KmsStores } from '../postgres/kms-stores.ts'
import { Proxy } from '../postgres/proxy.ts'
import { PostgresServer } from '../postgres/server.ts'
import { Enclave, seed, World } from '../world.ts'
import { acknowledgement, createCustodians, historyOf, newestSet, sharingOf } from './custodians.ts'
import { PersistentRoot } from './persistent-root.ts'
import { refusingSteps, rotateRoot, SECRET } from './rotatable.ts'

let server: PostgresServer
let proxy: Proxy
const stores = new KmsStores(() => server)

/** A KMS over PostgreSQL that has accepted a policy; `via` is how it reaches its database. */
async function running(name: string, root: PersistentRoot, via?: string): Promise<World> {
  const world = new World()
  world.root = root.obtain()
  await stores.use(world, name, via)
  await world.start()
  return world
}

/** Started again, with what the source kept. */
async function reboot(world: World, name: string, root: PersistentRoot): Promise<void> {
  world.root = root.obtain()
  await stores.use(world, name)
  await world.start()
}

describeWithPostgres('a new root key over PostgreSQL', () => {
  beforeAll(async () => {
    server = await PostgresServer.create()
    proxy = await Proxy.create(server.port)
  }, 60_000)
  afterEach(() => stores.close())
  afterAll(async () => {
    await proxy.close()
    await server.remove()
  })

  test(
    'comes into force, again after a restart, and the old secret opens nothing',
    { timeout: 60_000 },
    async () => {
      const [name, root] = [stores.newName(), new PersistentRoot(SECRET)]
      const world = await running(name, root)
      await world.acceptPolicy(world.proposal())
      const keys = world.keySet.keys
      for (const generation of [1, 2]) {
        const before = root.kept[0]!
        await rotateRoot(world, generation)
        await world.kms.tick()
        expect(world.logged(CUSTODY_TYPES.rootSuccession)).toHaveLength(generation)
        expect(world.keySet.keys).toEqual(keys)
        expect(await refusingSteps(world)).toEqual([])
        await stores.end(world)
        await expect(stores.acquire(name, [deriveRoot(before).sealingKey()])).rejects.toMatchObject({
          code: 'KMS_STORE_SEALED',
          action: 'stop',
        })
        await reboot(world, name, root)
        expect(await refusingSteps(world)).toEqual([])
        keys.splice(0, keys.length, ...world.keySet.keys)
      }
      const enclave = new Enclave(world.workload)
      const request = await enclave.request(world)
      expect(enclave.open(request, await world.kms.release(request), world.genesis).keys).toHaveLength(2)
    },
  )

  test(
    'whether the reseal did not happen or its answer was lost, a start finds one generation and goes on',
    { timeout: 120_000 },
    async () => {
      const ended = new Set<string>()
      // Connections that are cut after so many bytes: of the statement that seals everything anew, or of its answer.
      for (const cut of [{ fromClient: 2000 }, { fromClient: 8000 }, { toClient: 0 }, { toClient: 200 }])
        for (const reboots of [true, false]) {
          const [name, root] = [stores.newName(), new PersistentRoot(SECRET)]
          const world = await running(name, root, server.tcpUrl({ port: proxy.port }))
          await world.acceptPolicy(world.proposal())
          const { store } = world
          const commit = store.commit.bind(store)
          let faults = 0
          store.commit = async (changes, sealingKey) => {
            if (sealingKey === undefined || faults++ > 0) return commit(changes, sealingKey)
            // The rows were read by then: the cut is in the one statement that writes.
            const read = (store as unknown as { readRows: () => Promise<unknown> }).readRows
            Object.assign(store, {
              readRows: async () => {
                const rows = await read.call(store)
                proxy.reset(cut)
                return rows
              },
            })
            try {
              await commit(changes, sealingKey)
            } finally {
              Object.assign(store, { readRows: read })
              proxy.reset()
              proxy.dropAll()
            }
          }
          await rotateRoot(world).catch(() => undefined)
          await world.kms.tick().catch(() => undefined)
          expect(faults, 'the reseal was disturbed').toBeGreaterThanOrEqual(1)
          if (reboots) await reboot(world, name, root)
          await expect
            .poll(async () => {
              await world.kms.tick().catch(() => undefined)
              return [root.kept.length, world.kms.view.state.roots?.length]
            })
            .toEqual([1, 1])
          ended.add(faults > 1 ? 'sealed twice' : 'sealed once')
          expect(historyOf(world).roots).toHaveLength(1)
          expect(await refusingSteps(world)).toEqual([])
          await stores.end(world)
          const keys = root.kept.map((secret) => deriveRoot(secret).sealingKey())
          await (await stores.acquire(name, keys)).end()
          await stores.close()
        }
      expect(ended).toContain('sealed twice')
      expect(ended).toContain('sealed once')
    },
  )

  test(
    'with custodians: the store is sealed anew once enough of them can open the next secret',
    { timeout: 60_000 },
    async () => {
      const custodians = createCustodians(2)
      const name = stores.newName()
      const root = new PersistentRoot(seed(93), sharingOf(2, custodians))
      const world = await running(name, root)
      const acknowledge = async (): Promise<void> => {
        for (const custodian of custodians)
          await world.kms.acknowledgeShare(acknowledgement(newestSet(world), custodian))
      }
      await acknowledge()
      await world.acceptPolicy(world.proposal())
      await rotateRoot(world)
      await world.kms.tick()
      expect(root.kept, 'both, until custodians have answered').toHaveLength(2)
      await reboot(world, name, root)
      await acknowledge()
      await world.kms.tick()
      expect(root.kept).toHaveLength(1)
      expect(historyOf(world).rootKey).toBe(deriveRoot(root.kept[0]!).rootKey)
      await reboot(world, name, root)
      expect(world.kms.readiness()).toEqual({ ready: true })
    },
  )
})
