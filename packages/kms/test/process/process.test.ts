import { readdir, readFile } from 'node:fs/promises'
import { once } from 'node:events'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { fromBase64Url, toHex } from '@sotto/protocol/bytes'
import type { KmsState } from '@sotto/protocol/evidence'
import type { InForce } from '@sotto/protocol/governance'
import { type KeySet, PAYLOAD_TYPES, type ReleaseResponse } from '@sotto/protocol/keyrelease'
import { build } from 'esbuild'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { claim } from '../../../../test/claims.ts'
import { type Draft, Enclave, payloadOf } from '../world.ts'
import { KmsProcess } from './launcher.ts'

let kms: KmsProcess
beforeEach(async () => {
  kms = await KmsProcess.create()
})
afterEach(() => kms.remove())

/** World methods that need a running KMS in this process get what they need from the other one. */
async function adopt(): Promise<void> {
  const { inForce } = await kms.call<{ inForce: InForce }>('/v1/proposals')
  for (const [name, value] of Object.entries({ genesis: inForce.genesis, inForce }))
    Object.defineProperty(kms.world, name, { configurable: true, value })
}

/** Proposes and votes, as far as the KMS answers. */
async function decide({ proposal, id, voters, releases }: Draft): Promise<void> {
  await kms.call('/v1/proposals', { proposal, releases })
  for (const voter of voters) await kms.call('/v1/ballots', { ballot: kms.world.ballot(id, voter) })
}

async function acceptFirstPolicy(): Promise<KmsState> {
  await adopt()
  await decide(kms.world.proposal(kms.world.policy()))
  return kms.call<KmsState>('/v1/keys')
}

const epochOf = (state: KmsState): number => payloadOf<KeySet>(state.keySet.envelope).epoch

async function storedBytes(): Promise<string> {
  const directory = join(kms.directory, 'store')
  const files = await Promise.all((await readdir(directory)).map((name) => readFile(join(directory, name))))
  return Buffer.concat(files).toString('latin1')
}

test(
  claim(
    ['see.stores', 'T4', 'T7'],
    'a whole life: ready, policy, release, drain, restart; no key in any output or file',
  ),
  { timeout: 60_000 },
  async () => {
    await kms.start()
    expect((await fetch(`${kms.url}/readyz`)).status).toBe(503)
    const state = await acceptFirstPolicy()
    expect((await fetch(`${kms.url}/readyz`)).status).toBe(200)
    const enclave = new Enclave(kms.world.workload)
    const request = await enclave.request(kms.world)
    const response = await kms.call<ReleaseResponse>('/v1/release', request)
    const { keys } = enclave.open(request, response, kms.world.genesis)
    expect(keys).toHaveLength(2)
    expect(await kms.call('/v1/release', { ...request, encrypted: false })).toMatchObject({
      error: { code: 'JCS_FIELD' },
    })
    expect(await kms.end('SIGTERM')).toBe(0)

    await kms.start()
    const after = await kms.call<KmsState>('/v1/keys')
    expect(after.genesis).toEqual(state.genesis)
    expect(epochOf(after)).toBe(epochOf(state) + 1)
    const idsOf = ({ keySet }: KmsState): number[] =>
      payloadOf<KeySet>(keySet.envelope).keys.map(({ keyId }) => keyId)
    expect(idsOf(state)).toEqual([0, 1])
    expect(idsOf(after), 'keys live in memory: a start alone makes new ones, under free identifiers').toEqual(
      [2, 3],
    )
    expect(await kms.end('SIGTERM')).toBe(0)

    const seen = kms.output + (await storedBytes())
    for (const { privateKey } of keys) {
      const bytes = fromBase64Url(privateKey)
      for (const spelling of [
        privateKey,
        toHex(bytes),
        Buffer.from(bytes).toString('base64'),
        Buffer.from(bytes).toString('latin1'),
      ]) {
        expect(seen.includes(spelling)).toBe(false)
      }
    }
    for (const line of kms.output.trim().split('\n')) expect(JSON.parse(line)).toMatchObject({ role: 'kms' })
  },
)

test('killed at any moment, it comes back with every promise kept', { timeout: 120_000 }, async () => {
  await kms.start()
  let acknowledged = epochOf(await acceptFirstPolicy())
  const { world } = kms
  const { genesis } = await kms.call<KmsState>('/v1/genesis')
  const first = Promise.withResolvers<void>()
  for (let round = 0; round < 5; round++) {
    const rotating = (async () => {
      for (;;) {
        const epoch = epochOf(await kms.call<KmsState>('/v1/keys'))
        await decide(world.rotation(epoch))
        const answer = await kms.call<KmsState>('/v1/keys')
        if (epochOf(answer) > epoch) {
          acknowledged = epochOf(answer)
          first.resolve()
        } else await new Promise((resolve) => setTimeout(resolve, 5))
      }
    })().catch(() => undefined)
    // One rotation is seen to the end; the others are cut anywhere.
    await first.promise
    await new Promise((resolve) => setTimeout(resolve, 30 + Math.random() * 300))
    await kms.end('SIGKILL')
    await rotating
    await kms.start()
    const state = await kms.call<KmsState>('/v1/keys')
    expect(epochOf(state)).toBeGreaterThan(acknowledged)
    expect(state.genesis).toEqual(genesis)
  }
  const sets = world.logged<KeySet>(PAYLOAD_TYPES.keySet).map(({ document }) => document)
  expect(sets.map(({ epoch }) => epoch)).toEqual(sets.map((_, n) => n + 1))
  const configs = new Map<number, string>()
  for (const { keyId, config } of sets.flatMap(({ keys }) => keys)) {
    expect(configs.get(keyId) ?? config).toBe(config)
    configs.set(keyId, config)
  }
  expect(acknowledged).toBeGreaterThan(1)
})

async function refusal(change: Parameters<KmsProcess['launch']>[0]): Promise<string> {
  const child = await kms.launch(change)
  const [status] = (await once(child, 'exit')) as [number]
  expect(status).toBe(1)
  return /error: kms: ([A-Z_]+)/.exec(kms.output)?.[1] ?? kms.output
}

test(claim('T7', 'another measurement does not open the store'), async () => {
  await kms.start()
  await kms.end('SIGTERM')
  expect(await refusal({ image: 'ee'.repeat(32) })).toBe('KMS_STORE_SEALED')
})

test.each([
  ['a configuration the hardware did not measure', { hostData: '00'.repeat(32) }, 'CONFIG_NOT_MEASURED'],
  [
    'a software TEE that others could reach',
    { config: { listen: { host: '0.0.0.0', port: 0 } } },
    'KMS_POLICY_MIXED',
  ],
  [
    'a configuration for hardware in the software TEE',
    { config: { softwareRoots: undefined } },
    'KMS_POLICY_MIXED',
  ],
  ['a switch that turns wrapping off', { config: { encrypted: false } }, 'CONFIG_INVALID'],
])('refuses %s', async (_, change, code) => {
  expect(await refusal(change)).toBe(code)
})

test(
  claim('T10', 'the release entry point wants hardware and does not contain the software TEE'),
  async () => {
    const main = fileURLToPath(new URL('../../src/main.ts', import.meta.url))
    expect(await refusal({ source: 'packages/kms/src/main.ts' })).toMatch(/TEE_ABSENT|ROLE_UNSAFE/)
    const { outputFiles } = await build({
      entryPoints: [main],
      bundle: true,
      write: false,
      platform: 'node',
      format: 'esm',
      logLevel: 'silent',
    })
    const text = outputFiles[0]!.text
    expect(text).toContain('KMS_POLICY_MIXED')
    expect(text).not.toContain('tee.sealing-key')
    expect(text).not.toContain('signSoftwareReport')
  },
)
