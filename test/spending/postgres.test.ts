import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { describeWithPostgres } from '../../packages/kms/test/postgres/describe.ts'
import { PostgresServer } from '../../packages/kms/test/postgres/server.ts'
import { KmsProcess, type StartChange } from '../../packages/kms/test/process/launcher.ts'
import { claim } from '../claims.ts'
import { begin, gatewayOf, raceWhileKilled } from './killing.ts'
import { token } from './party.ts'

let server: PostgresServer
let stores = 0
let kms: KmsProcess | undefined

const inDatabase = (): StartChange => ({
  config: { store: { postgres: { name: `spent-${stores}`, leaseSeconds: 2 } } },
  env: { SOTTO_KMS_DATABASE_URL: server.url() },
})

describeWithPostgres('spent tokens in PostgreSQL', () => {
  beforeAll(async () => {
    server = await PostgresServer.create()
  }, 60_000)
  afterEach(async () => {
    await kms?.remove()
    stores++
  })
  afterAll(() => server.remove())

  test(
    claim('T12', 'two gateways race every token while KMS and database are killed: one lets it in'),
    { timeout: 240_000 },
    async () => {
      const running = (kms = await KmsProcess.create())
      const change = inDatabase()
      await begin(running, change)
      let round = 0
      await raceWhileKilled(running, {
        rounds: 2,
        change,
        async restart() {
          // In turn the database first, and with it the commit under way; or the KMS alone.
          if (round++ % 2 === 0) await server.crash()
          await running.end('SIGKILL')
          if (round % 2 === 1) await server.start()
          await running.start(change)
          await expect
            .poll(() => running.call('/v1/spend-context').then(hasNoError, () => false), { timeout: 60_000 })
            .toBe(true)
        },
      })
    },
  )

  test(
    claim('T12', 'a replica that takes over knows every token the killed one had spent'),
    { timeout: 120_000 },
    async () => {
      const first = (kms = await KmsProcess.create())
      const change = inDatabase()
      await begin(first, change)
      const second = first.sibling()
      try {
        await second.start(change)
        let serving = first
        const gateway = await gatewayOf(first, () => serving)
        const tokens = Array.from({ length: 5 }, () => token(first.world))
        expect(await gateway.set.spend(tokens)).toEqual(tokens.map(() => true))
        const context = gateway.context()
        await first.end('SIGKILL')
        serving = second
        await expect
          .poll(
            () =>
              gateway.tick().then(
                () => true,
                () => false,
              ),
            { timeout: 60_000 },
          )
          .toBe(true)
        expect(gateway.context()).toEqual(context)
        expect(await gateway.set.spend([...tokens, token(first.world)])).toEqual([
          ...tokens.map(() => false),
          true,
        ])
      } finally {
        await second.end('SIGKILL')
      }
    },
  )
})

function hasNoError(answer: unknown): boolean {
  return !Object.hasOwn(answer as object, 'error')
}
