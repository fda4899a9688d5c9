import { PAYLOAD_TYPES } from '@sotto/protocol/keyrelease'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { claim } from '../../../../test/claims.ts'
import { openPostgresStore, parseDatabaseUrl, type StoreAccess } from '../../src/store/index.ts'
import { describeWithPostgres } from '../postgres/describe.ts'
import { PostgresServer } from '../postgres/server.ts'
import { seed, World } from '../world.ts'

let server: PostgresServer
const opened: StoreAccess[] = []

async function useStore(world: World, database: string): Promise<void> {
  const access = openPostgresStore({
    address: parseDatabaseUrl(server.url(database)),
    name: 'kms',
    sealingKey: seed(7),
    leaseMs: 3000,
  })
  opened.push(access)
  world.store = (await access.acquire(AbortSignal.timeout(20_000))).store
}

const where = (): string[] => ['-h', server.folder, '-p', String(server.port), '-U', 'sotto']
const dump = (database: string): string => server.tool('pg_dump', [...where(), database])

/** As an administrator does it: the database is dropped, made anew and filled from the dump. */
function restore(database: string, from: string): void {
  server.psql(`DROP DATABASE IF EXISTS ${database} WITH (FORCE)`)
  server.psql(`CREATE DATABASE ${database}`)
  server.psql(from, database)
}

/** A KMS with keys over a database of its own. */
async function running(database: string): Promise<World> {
  server.psql(`CREATE DATABASE ${database}`)
  const world = new World()
  await useStore(world, database)
  await world.start()
  await world.acceptPolicy(world.proposal())
  await world.admitOwners()
  return world
}

const artifact = (n: number): string => n.toString(16).padStart(32, '0')
const importKey = (world: World, n: number) =>
  world.kms.importArtifact(artifact(n), world.artifactImport(artifact(n), seed(n)))

describeWithPostgres('a whole database put back', () => {
  beforeAll(async () => {
    server = await PostgresServer.create()
  }, 60_000)
  afterEach(() => Promise.all(opened.splice(0).map((access) => access.close())))
  afterAll(() => server.remove())

  test(
    claim('T11', 'a database restored from an earlier pg_dump is refused, whatever came after it'),
    { timeout: 60_000 },
    async () => {
      const world = await running('restored')
      await importKey(world, 1)
      const [early, sets] = [dump('restored'), world.logged(PAYLOAD_TYPES.keySet).length]
      await importKey(world, 2)
      // No key set, vote or boot came after the dump: only an import, which the log would not show by itself.
      expect(world.logged(PAYLOAD_TYPES.keySet)).toHaveLength(sets)
      await world.store.close()
      restore('restored', early)
      await useStore(world, 'restored')
      await expect(world.start()).rejects.toMatchObject({ code: 'KMS_STATE_ROLLED_BACK', action: 'stop' })
    },
  )

  test('a database restored from the newest dump goes on', { timeout: 60_000 }, async () => {
    const world = await running('moved')
    await importKey(world, 1)
    await world.store.close()
    restore('moved', dump('moved'))
    await useStore(world, 'moved')
    await world.start()
    expect(world.kms.readiness()).toEqual({ ready: true })
    expect(world.kms.view.state.artifacts.size).toBe(1)
  })

  test(
    claim('T11', 'of two databases with one history, each with a KMS, the first stops'),
    { timeout: 60_000 },
    async () => {
      const world = await running('forked')
      const first = world.kms
      server.psql('CREATE DATABASE copied')
      server.psql(dump('forked'), 'copied')
      // The dump names an owner; whoever copies it ends that term.
      server.psql('UPDATE sotto_kms_store SET owner = NULL', 'copied')
      await useStore(world, 'copied')
      await world.start()
      expect(world.kms.readiness()).toEqual({ ready: true })
      world.now += 3600
      await expect(first.tick()).rejects.toMatchObject({ action: 'stop' })
      expect(() => first.view).toThrowError(
        expect.objectContaining({
          code: expect.stringMatching(/KMS_FENCED|KMS_STATE_ROLLED_BACK/) as string,
        }),
      )
    },
  )
})
