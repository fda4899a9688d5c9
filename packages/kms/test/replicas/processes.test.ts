import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import type { KmsState } from '@sotto/protocol/evidence'
import type { KeySet, ReleaseRequest, ReleaseResponse } from '@sotto/protocol/keyrelease'
import { claim } from '../../../../test/claims.ts'
import { Proxy } from '../postgres/proxy.ts'
import { describeWithPostgres } from '../postgres/describe.ts'
import { PASSWORD, PostgresServer } from '../postgres/server.ts'
import { KmsProcess } from '../process/launcher.ts'
import { Enclave, payloadOf } from '../world.ts'
import { acceptFirstPolicy } from './first-policy.ts'

const LEASE_SECONDS = 2
/** A lease, the wait of the one that stands by, and a start on a busy machine. */
const TAKEOVER_MS = 30_000
let server: PostgresServer
let proxy: Proxy
let stores = 0
let first: KmsProcess
let second: KmsProcess
let config: Record<string, unknown>

const throughProxy = (): Record<string, string> => ({
  SOTTO_KMS_DATABASE_URL: server.tcpUrl({ port: proxy.port }),
})
const direct = (): Record<string, string> => ({ SOTTO_KMS_DATABASE_URL: server.url() })

interface Ready {
  status: number
  code: string | undefined
}

async function readiness(kms: KmsProcess): Promise<Ready> {
  const response = await fetch(`${kms.url}/readyz`, { signal: AbortSignal.timeout(2000) })
  return { status: response.status, code: ((await response.json()) as { code?: string }).code }
}

async function until(
  what: string,
  condition: () => Promise<boolean>,
  withinMs = TAKEOVER_MS,
): Promise<number> {
  const started = Date.now()
  while (!(await condition().catch(() => false))) {
    if (Date.now() - started > withinMs)
      throw new Error(`never: ${what}\n${first.output.slice(-2000)}\n--\n${second.output.slice(-2000)}`)
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  return Date.now() - started
}

const becomesReady = (kms: KmsProcess): Promise<number> =>
  until('ready', async () => (await readiness(kms)).status === 200)

const refusalOf = async (kms: KmsProcess, path: string, body?: unknown): Promise<string | undefined> =>
  (await kms.call<{ error?: { code: string } }>(path, body)).error?.code

async function releaseOf(kms: KmsProcess): Promise<{ enclave: Enclave; request: ReleaseRequest }> {
  const enclave = new Enclave(kms.world.workload)
  return { enclave, request: await enclave.request(kms.world) }
}

async function releases(kms: KmsProcess): Promise<number> {
  const { enclave, request } = await releaseOf(kms)
  const response = await kms.call<ReleaseResponse>('/v1/release', request)
  return enclave.open(request, response, kms.world.genesis).keys.length
}

const epochOf = async (kms: KmsProcess): Promise<number> =>
  payloadOf<KeySet>((await kms.call<KmsState>('/v1/keys')).keySet.envelope).epoch

describeWithPostgres('replicas as processes', () => {
  beforeAll(async () => {
    server = await PostgresServer.create()
    proxy = await Proxy.create(server.port)
  }, 120_000)
  beforeEach(async () => {
    proxy.isSilent = false
    proxy.reset()
    config = { store: { postgres: { name: `kms-${stores++}`, leaseSeconds: LEASE_SECONDS } } }
    first = await KmsProcess.create()
    second = first.sibling()
    await first.start({ config, env: throughProxy() })
    await acceptFirstPolicy(first)
    await second.start({ config, env: direct() })
  }, 120_000)
  afterEach(async () => {
    for (const kms of [first, second]) kms.child?.kill('SIGCONT')
    proxy.isSilent = false
    proxy.dropAll()
    await second.end('SIGKILL')
    await first.remove()
  })
  afterAll(async () => {
    await proxy.close()
    await server.remove()
  })

  test('one serves; the other says that it stands by, on every route, and takes over from a drained one', async () => {
    expect(await readiness(first)).toEqual({ status: 200, code: undefined })
    expect(await readiness(second)).toEqual({ status: 503, code: 'KMS_STANDBY' })
    for (const path of ['/v1/genesis', '/v1/keys', '/v1/proposals'])
      expect(await refusalOf(second, path)).toBe('KMS_STANDBY')
    const { request } = await releaseOf(first)
    expect(await refusalOf(second, '/v1/release', request)).toBe('KMS_STANDBY')
    expect(await releases(first)).toBe(2)
    const before = await epochOf(first)
    expect(await first.end('SIGTERM')).toBe(0)
    await becomesReady(second)
    expect(await epochOf(second)).toBeGreaterThan(before)
    expect(await releases(second)).toBe(2)
    for (const { output } of [first, second]) expect(output).not.toContain(PASSWORD)
  }, 120_000)

  test('one that is killed is followed within its lease and a start', async () => {
    await first.end('SIGKILL')
    const took = await becomesReady(second)
    expect(await releases(second)).toBe(2)
    // The lease and a wait, with room for a machine that is busy with other tests.
    expect(took).toBeLessThan(15_000)
    // And back: whoever was first joins as the one that stands by.
    await first.start({ config, env: direct() })
    expect((await readiness(first)).code).toBe('KMS_STANDBY')
    await second.end('SIGKILL')
    await becomesReady(first)
  }, 120_000)

  test(
    claim('T11', 'a KMS stopped longer than its lease releases nothing and changes nothing when it goes on'),
    async () => {
      const { request } = await releaseOf(first)
      first.child!.kill('SIGSTOP')
      // Waiting in its queue: the stopped one will read this first.
      const late = refusalOf(first, '/v1/release', request)
      const lateKeys = refusalOf(first, '/v1/keys')
      await becomesReady(second)
      const epoch = await epochOf(second)
      const size = first.world.log.entries.length
      first.child!.kill('SIGCONT')
      expect(await late).toBe('KMS_STANDBY')
      expect(await lateKeys).toBe('KMS_STANDBY')
      await until('standby', async () => (await readiness(first)).code === 'KMS_STANDBY')
      expect(await refusalOf(first, '/v1/release', (await releaseOf(first)).request)).toBe('KMS_STANDBY')
      // Nothing of the old one's is in log or store: the new one goes on as if it had never come back.
      expect(first.world.log.entries.length).toBe(size)
      expect(await epochOf(second)).toBe(epoch)
      expect(await releases(second)).toBe(2)
      expect(first.child!.exitCode).toBeNull()
    },
    120_000,
  )

  test('one that is cut off from the database stops to serve before another begins', async () => {
    proxy.isSilent = true
    await becomesReady(second)
    expect((await readiness(first)).code).toBe('KMS_STANDBY')
    expect(await refusalOf(first, '/v1/keys')).toBe('KMS_STANDBY')
    proxy.isSilent = false
    proxy.dropAll()
    await until('standby', async () => first.output.includes('"standby"'))
    await second.end('SIGTERM')
    await becomesReady(first)
    expect(await releases(first)).toBe(2)
  }, 120_000)
})
