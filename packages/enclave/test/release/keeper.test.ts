import { expect, test } from 'vitest'
import { fromUtf8, toHex, utf8 } from '@sotto/protocol/bytes'
import { parseDsse } from '@sotto/protocol/dsse'
import { parseTrustBundle } from '@sotto/protocol/evidence'
import {
  decodeDocument,
  releaseReceiptDecoder,
  type KeySet,
  type PublishedKey,
  type ReleaseRequest,
} from '@sotto/protocol/keyrelease'
import { parseKeyConfigs } from '@sotto/protocol/ohttp'
import {
  inferenceReceiptDecoder,
  parseReceiptCertificate,
  parseReceiptTrailer,
} from '@sotto/protocol/receipts'
import { claim } from '../../../../test/claims.ts'
import { bundleForNonce, type WorldOptions } from '@sotto/testkit'
import { verifyReceipt, verifyTrustBundle } from '@sotto/verifier'
import { createKeyRing, type KeyRing } from '../../src/gateway/index.ts'
import { createKeeper, type Keeper, type KeeperOptions } from '../../src/release/keeper.ts'
import { draftReceipt, type ServingIdentity } from '../../src/gateway/receipt.ts'
import { KEPT_CERTIFICATES } from '../../src/trust/index.ts'
import { createReleaseWorld, type ReleaseWorld } from './world.ts'

const forTenHours = (key: PublishedKey): PublishedKey => ({ ...key, notAfter: key.notBefore + 36_000 })

function signedBy(identity: ServingIdentity, key: { keyId: number; policy: string }): string {
  const draft = draftReceipt(identity, key, { method: 'GET', path: '/', contentType: '' })
  draft.startResponse({ status: 200, contentType: '' })
  return draft.sign(undefined)
}

async function open(
  change: Partial<KeeperOptions> = {},
  artifacts: readonly string[] = [],
  options: WorldOptions = {},
): Promise<ReleaseWorld & { keys: KeyRing; keeper: Keeper }> {
  const setup = await createReleaseWorld(options, artifacts)
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
  const { bundle } = keeper.published()!
  const parsed = parseReceiptCertificate(keeper.certificate()!)
  expect(parsed.checkpoint).toBe(parseTrustBundle(bundle).checkpoint)
  expect(fromUtf8(utf8(parsed.release.envelope))).toContain('vnd.sotto.release-receipt+json')
})

test('receipts of earlier releases stay provable: the last certificates are kept', async () => {
  const long = { keySet: (set: KeySet): KeySet => ({ ...set, keys: set.keys.map(forTenHours) }) }
  const { keeper, world } = await open({}, [], long)
  await keeper.start()
  const seen = [keeper.identity()!.evidence]
  for (let release = 0; release < KEPT_CERTIFICATES; release++) {
    world.now += 1800
    await keeper.tick()
    seen.push(keeper.identity()!.evidence)
  }
  expect(new Set(seen).size).toBe(KEPT_CERTIFICATES + 1)
  expect(keeper.certificate(seen[0])).toBeUndefined()
  for (const evidence of seen.slice(1)) {
    const { release } = parseReceiptCertificate(keeper.certificate(evidence)!)
    const { payload } = parseDsse(utf8(release.envelope))
    expect(decodeDocument(payload, releaseReceiptDecoder, 'receipt').evidence).toBe(evidence)
  }
  expect(keeper.certificate()).toBe(keeper.certificate(seen.at(-1)))
})

test('a receipt signed before evidence was renewed verifies against the certificate of then', async () => {
  const { keeper, world } = await open()
  await keeper.start()
  const { envelope, salt } = parseReceiptTrailer(
    signedBy(keeper.identity()!, { keyId: 7, policy: world.keyPolicyDigest }),
  )
  world.now += 1800
  await keeper.tick()
  const { evidence } = decodeDocument(parseDsse(utf8(envelope)).payload, inferenceReceiptDecoder, 'receipt')
  const verify = (certificate: Uint8Array): boolean =>
    verifyReceipt(
      { version: 1, envelope, salt, certificate: parseReceiptCertificate(certificate) },
      world.policy,
    ).ok
  expect([verify(keeper.certificate(evidence)!), verify(keeper.certificate()!)]).toEqual([true, false])
})

test(claim('T6', 'a bundle for a nonce is verified by that nonce, and what is published stays'), async () => {
  const [nonce, other] = ['A'.repeat(22), 'B'.repeat(21) + 'A']
  const setup = await createReleaseWorld()
  const { world, context } = setup
  const answered: Record<string, string> = { [nonce]: nonce, [other]: nonce }
  const kms: typeof context.kms = {
    ...context.kms,
    async state(asked) {
      const state = await context.kms.state()
      if (asked === undefined) return state
      const { evidence, binding } = bundleForNonce(world, answered[asked]!).kms
      return { ...state, kms: { ...state.kms, evidence, binding } }
    },
  }
  const keeper = createKeeper({ ...context, kms, keys: createKeyRing({ now: () => world.now }) })
  await keeper.start()
  const published = keeper.published()!.bundle
  const { verdict } = verifyTrustBundle(parseTrustBundle(await keeper.bundleFor(nonce)), world.policy, {
    now: world.now,
    nonce,
  })
  expect(verdict.ok).toBe(true)
  await expect(keeper.bundleFor(other)).rejects.toMatchObject({
    code: 'RELEASE_KMS_REFUSED',
    found: 'kms.nonce: bound to another nonce',
  })
  expect(keeper.published()!.bundle).toBe(published)
})

test('a KMS that restarts between release and publication is asked again', async () => {
  const { context, restartKms, world } = await createReleaseWorld()
  const kms = {
    ...context.kms,
    async release(request: ReleaseRequest) {
      const answer = await context.kms.release(request)
      await restartKms()
      return answer
    },
  }
  const keys = createKeyRing({ now: () => world.now })
  const keeper = createKeeper({ ...context, kms, keys })
  await expect(keeper.start()).rejects.toMatchObject({ code: 'RELEASE_KMS_UNREACHABLE', action: 'retry' })
  expect([keys.configs, keeper.certificate(), keeper.identity()]).toEqual([undefined, undefined, undefined])
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

test(
  claim('T4', 'a key that has ended is gone from memory with the next tick, though nobody asks for it'),
  async () => {
    const setup = await createReleaseWorld()
    const keys = createKeyRing({ now: () => setup.world.now })
    let isDown = false
    const kms = {
      ...setup.context.kms,
      state: () => (isDown ? Promise.reject(new Error('down')) : setup.context.kms.state()),
    }
    const keeper = createKeeper({ ...setup.context, kms, keys })
    await keeper.start()
    expect(keys.claim(7, utf8('enc'))).toBe(true)
    isDown = true
    setup.world.now += 2 * 86_400
    await expect(keeper.tick()).rejects.toThrow('down')
    // Says what is held, and looks at no clock.
    expect(keys.has(7, utf8('enc'))).toBe(false)
  },
)

test('a wall clock that stands still or goes back keeps nothing young', async () => {
  const setup = await createReleaseWorld()
  const { world, context, requests } = setup
  let mono = 0
  const keys = createKeyRing({ now: () => world.now, monotonicNow: () => mono })
  const keeper = createKeeper({ ...context, keys, monotonicNow: () => mono })
  await keeper.start()
  mono += 1_799_000
  await keeper.tick()
  expect(requests).toHaveLength(1)
  mono += 1_000
  await keeper.tick()
  // Evidence is renewed, but the witnesses said nothing new: the same checkpoint, an hour long.
  expect([requests.length, keeper.identity() !== undefined]).toEqual([2, true])
  world.now -= 100
  mono += 1_799_000
  expect(keeper.identity()).toBeDefined()
  mono += 1_000
  expect(keeper.identity()).toBeUndefined()
})

test('a new checkpoint makes it serve again', async () => {
  const { world, context } = await createReleaseWorld({
    keySet: (set) => ({ ...set, keys: set.keys.map(forTenHours) }),
  })
  let mono = 0
  const keys = createKeyRing({ now: () => world.now, monotonicNow: () => mono })
  const keeper = createKeeper({ ...context, keys, monotonicNow: () => mono })
  await keeper.start()
  mono += 3_600_000
  expect(keeper.identity()).toBeUndefined()
  world.now += 1
  await keeper.tick()
  expect(keeper.identity()).toBeDefined()
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
