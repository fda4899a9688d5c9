import { toBase64Url } from '@sotto/protocol/bytes'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { claim } from '../../../../test/claims.ts'
import { describeWithPostgres } from '../postgres/describe.ts'
import { KmsStores } from '../postgres/kms-stores.ts'
import { PostgresServer } from '../postgres/server.ts'
import { World } from '../world.ts'
import { ID, KEY, keyFor, modelRemoval, receiptFor, removeModel, send } from './asking.ts'

const GONE = 'cd'.repeat(16)
const bear = (version: number) => ({ model: { name: 'bear', version } })
let server: PostgresServer
const stores = new KmsStores(() => server)
let world: World
let name: string

/** The next replica over the same database. */
async function failOver(): Promise<void> {
  await stores.use(world, name)
  await world.start()
}

describeWithPostgres('owners over PostgreSQL', () => {
  beforeAll(async () => {
    server = await PostgresServer.create()
  }, 60_000)
  beforeEach(async () => {
    world = new World()
    name = stores.newName()
    await stores.use(world, name)
    await world.start()
    await world.acceptPolicy(world.proposal())
    await world.admitOwners()
  })
  afterEach(() => stores.close())
  afterAll(() => server.remove())

  test(
    claim(
      ['owner.removal', 'owner.policy'],
      'the next replica has what owners decided, and nothing they removed',
    ),
    { timeout: 60_000 },
    async () => {
      const own = world.ownerPolicy()
      await send(world, world.artifactImport(ID, KEY, { ...own, ...bear(1) }))
      await send(world, world.artifactImport(GONE, KEY, { ...own, ...bear(2) }), GONE)
      const removal = modelRemoval(world, { version: 2 })
      expect((await receiptFor(world, removal)).destroyed).toEqual([GONE])
      await failOver()
      expect(await keyFor(world)).toBe(toBase64Url(KEY))
      expect(world.kms.view.state.ownerPolicies.size).toBe(1)
      expect((await receiptFor(world, removal)).destroyed).toEqual([GONE])
      const old = world.artifactImport(ID, KEY, { ...bear(1), createdAt: world.now - 5 })
      expect(await send(world, old)).toBe('KMS_ARTIFACT_REPLAY')
      expect(await send(world, world.artifactImport(GONE, KEY, bear(3)), GONE)).toBe('KMS_ARTIFACT_REMOVED')
      expect(server.psql(`SELECT count(*) FROM sotto_kms_record WHERE key = '${GONE}'`).trim()).toBe('0')
    },
  )

  test(
    'a removal that the database lost with its connection is made once, whichever replica hears it again',
    { timeout: 60_000 },
    async () => {
      await send(world, world.artifactImport(ID, KEY, bear(1)))
      const removal = modelRemoval(world)
      await server.crash()
      expect(await removeModel(world, removal)).not.toBe('none')
      await server.start()
      await failOver()
      expect(await keyFor(world), 'nobody was told that it is gone').toBe(toBase64Url(KEY))
      expect((await receiptFor(world, removal)).destroyed).toEqual([ID])
      await failOver()
      expect(await keyFor(world)).toBe('KMS_NOT_ADMITTED')
    },
  )
})
