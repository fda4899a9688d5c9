import type { KmsState } from '@sotto/protocol/evidence'
import { HANDOVER_RECEIPT_TYPE } from '@sotto/protocol/handover'
import { documentDigest, type KeySet } from '@sotto/protocol/keyrelease'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { claim } from '../../../../test/claims.ts'
import { describeWithPostgres } from '../postgres/describe.ts'
import { PostgresServer } from '../postgres/server.ts'
import type { StartChange } from '../process/launcher.ts'
import { payloadOf } from '../world.ts'
import { obtainKeys } from './enclave-and-client.ts'
import { prepareUpgrade, type Upgrade } from './upgrade-processes.ts'

let server: PostgresServer
let stores = 0
let both: StartChange
let upgrade: Upgrade

async function until(what: string, isSo: () => boolean | Promise<boolean>): Promise<void> {
  const { old, next } = upgrade
  for (let n = 0; n < 600; n++) {
    if (await isSo()) return
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  throw new Error(`never ${what}: ${old.output.slice(-2000)} ${next.output.slice(-2000)}`)
}
const readiness = async (url: string): Promise<string> => {
  const response = await fetch(`${url}/readyz`)
  return response.ok ? 'ready' : ((await response.json()) as { code: string }).code
}
const setOf = ({ keySet }: KmsState): KeySet => payloadOf<KeySet>(keySet.envelope)

describeWithPostgres('a handover between two KMS over one PostgreSQL', () => {
  beforeAll(async () => {
    server = await PostgresServer.create()
  }, 60_000)
  beforeEach(async () => {
    both = {
      config: { store: { postgres: { name: `kms-${stores++}`, leaseSeconds: 2 } } },
      env: { SOTTO_KMS_DATABASE_URL: server.url() },
    }
    upgrade = await prepareUpgrade(both)
  }, 60_000)
  afterEach(async () => {
    await upgrade.next.end('SIGKILL')
    await upgrade.old.remove()
  })
  afterAll(() => server.remove())

  test.each(['SIGTERM', 'SIGKILL'] as const)(
    claim('T15', 'the next one stands by with every key until the old one has ended by %s, and then serves'),
    { timeout: 120_000 },
    async (signal) => {
      const { old, next, change } = upgrade
      const held = await obtainKeys(old)
      const before = setOf(await old.call<KmsState>('/v1/keys'))
      await next.start(change)
      await until('taken over', () => next.output.includes('taken-over'))
      expect([await readiness(old.url), await readiness(next.url)]).toEqual(['ready', 'KMS_STANDBY'])
      await old.end(signal)
      await until('ready', async () => (await readiness(next.url)) === 'ready')
      const after = setOf(await next.call<KmsState>('/v1/keys'))
      expect(after).toMatchObject({
        epoch: before.epoch + 1,
        previous: documentDigest(before),
        keys: before.keys,
      })
      expect(await obtainKeys(next)).toEqual(held)
      // From what its own TEE sealed, over the same database.
      await next.end('SIGKILL')
      await next.start(change)
      await until('ready again', async () => (await readiness(next.url)) === 'ready')
    },
  )

  test(
    claim('T11', 'whichever dies in the middle, also with the database, one of them serves'),
    { timeout: 120_000 },
    async () => {
      const { old, next, change } = upgrade
      await next.start(change)
      await until('taken over', () => next.output.includes('taken-over'))
      await next.end('SIGKILL')
      await server.crash()
      await server.start()
      await until('ready', async () => (await readiness(old.url)) === 'ready')
      next.output = ''
      await next.start(change)
      await until('taken over again', () => next.output.includes('taken-over'))
      expect(old.world.logged(HANDOVER_RECEIPT_TYPE)).toHaveLength(2)
      const before = setOf(await old.call<KmsState>('/v1/keys'))
      await Promise.all([old.end('SIGKILL'), server.crash()])
      await server.start()
      await until('ready', async () => (await readiness(next.url)) === 'ready')
      expect(setOf(await next.call<KmsState>('/v1/keys')).keys).toEqual(before.keys)
    },
  )
})
