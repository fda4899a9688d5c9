import { expect, test } from 'vitest'
import { fromUtf8, toHex, utf8 } from '@sotto/protocol/bytes'
import { parseTrustBundle } from '@sotto/protocol/evidence'
import { parseKeyConfigs } from '@sotto/protocol/ohttp'
import { parseReceiptCertificate } from '@sotto/protocol/receipts'
import { verifyTrustBundle } from '@sotto/verifier'
import { createKeyRing, type KeyRing } from '../../src/gateway/index.ts'
import { createKeeper, type Keeper, type KeeperOptions } from '../../src/release/keeper.ts'
import { createReleaseWorld, type ReleaseWorld } from './world.ts'

async function open(
  change: Partial<KeeperOptions> = {},
  artifacts: readonly string[] = [],
): Promise<ReleaseWorld & { keys: KeyRing; keeper: Keeper }> {
  const setup = await createReleaseWorld({}, artifacts)
  const keys = createKeyRing({ now: () => setup.world.now })
  return { ...setup, keys, keeper: createKeeper({ ...setup.context, keys, ...change }) }
}

test('nothing is served before the first release, and everything after it', async () => {
  const { keeper, keys, world } = await open()
  expect([keeper.identity(), keeper.published(), keys.configs]).toEqual([undefined, undefined, undefined])
  await keeper.start()
  expect(keeper.identity()?.genesis).toBe(world.genesisDigest)
  expect(parseKeyConfigs(keys.configs!).map(({ keyId }) => keyId)).toEqual([7])
})

test('what it publishes passes the policy clients pin, and advertises the keys it holds', async () => {
  const { keeper, keys, world } = await open()
  await keeper.start()
  const { verdict, service } = verifyTrustBundle(parseTrustBundle(keeper.published()!.bundle), world.policy, {
    now: world.now,
  })
  expect(verdict.ok).toBe(true)
  expect(service!.keys.map(({ keyId, config }) => [keyId, toHex(config)])).toEqual([
    [7, toHex(keys.configs!.subarray(2))],
  ])
})

test('the certificate proves its own release receipt under the published checkpoint', async () => {
  const { keeper } = await open()
  await keeper.start()
  const { bundle, certificate } = keeper.published()!
  const parsed = parseReceiptCertificate(certificate)
  expect(parsed.checkpoint).toBe(parseTrustBundle(bundle).checkpoint)
  expect(fromUtf8(utf8(parsed.release.envelope))).toContain('vnd.sotto.release-receipt+json')
})

test('while nothing changes no keys are asked for again, and the bundle stays fresh', async () => {
  const { keeper, requests, world } = await open()
  await keeper.start()
  const before = keeper.published()!.time
  world.now += 60
  await keeper.tick()
  expect([requests.length, keeper.published()!.time]).toEqual([1, before + 60])
})

test('evidence is renewed long before anybody calls it old', async () => {
  const { keeper, requests, world } = await open()
  await keeper.start()
  world.now += 1800
  await keeper.tick()
  expect(requests).toHaveLength(2)
  expect(requests[1]!.binding.checkpoint).not.toBe(requests[0]!.binding.checkpoint)
})

test('a failed tick keeps what is held until it is too old, and then nothing is served', async () => {
  const setup = await createReleaseWorld()
  const keys = createKeyRing({ now: () => setup.world.now })
  let isDown = false
  const kms = {
    ...setup.context.kms,
    state: () => (isDown ? Promise.reject(new Error('down')) : setup.context.kms.state()),
  }
  const keeper = createKeeper({ ...setup.context, kms, keys })
  await keeper.start()
  isDown = true
  setup.world.now += 1800
  await expect(keeper.tick()).rejects.toThrow('down')
  expect(keeper.identity()).toBeDefined()
  setup.world.now += 1800
  expect(keeper.identity()).toBeUndefined()
})

test('without a usable key nothing is served, however fresh the bundle', async () => {
  const { keeper, world } = await open()
  await keeper.start()
  const { identity } = keeper
  world.now += 3601
  expect(identity()).toBeUndefined()
})

test('content keys are handed on once per release, and zeroed after that', async () => {
  const artifact = 'ab'.repeat(16)
  let seen: Uint8Array | undefined
  const { keeper } = await open(
    {
      async onArtifacts(artifacts) {
        seen = artifacts.get(artifact)
        expect(seen!.some((byte) => byte !== 0)).toBe(true)
      },
    },
    [artifact],
  )
  await keeper.start()
  expect(seen!.every((byte) => byte === 0)).toBe(true)
})
