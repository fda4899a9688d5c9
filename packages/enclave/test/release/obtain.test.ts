import { describe, expect, test } from 'vitest'
import { equalBytes, fromBase64Url, toBase64Url, toHex, utf8 } from '@sotto/protocol/bytes'
import { crypto } from '@sotto/protocol/crypto-backend'
import { HPKE_KEM, kemById } from '@sotto/protocol/hpke'
import { bindReportData, documentDigest, evidenceDigest, WRAP_SUITE } from '@sotto/protocol/keyrelease'
import { checkpointDigest } from '@sotto/protocol/note'
import { appraiseEvidence } from '@sotto/verifier/appraisal'
import { evidencePieces, platformPolicy } from '@sotto/verifier/workload'
import { fakeKeyConfig, fakeSigner, type WorldOptions } from '@sotto/testkit'
import { claim } from '../../../../test/claims.ts'
import { obtainArtifactKeys, obtainKeys } from '../../src/release/obtain.ts'
import { createReceiptKey } from '../../src/release/receipt-key.ts'
import { createReleaseWorld, type Dishonesty, OWNER } from './world.ts'

const ARTIFACT = 'ab'.repeat(16)
const OTHER = toBase64Url(new Uint8Array(32).fill(1))

test('an honest KMS gives the private keys of its published set, bound to this boot', async () => {
  const { context, requests, world, privateKey } = await createReleaseWorld({}, [ARTIFACT])
  const obtained = await obtainKeys(context)
  expect(obtained.keys).toHaveLength(1)
  const [held] = obtained.keys
  expect(equalBytes(held!.key.config.publicKey, privateKey.publicKey)).toBe(true)
  expect([held!.policy, held!.notAfter]).toEqual([world.keyPolicyDigest, world.now + 3600])
  expect(toHex(obtained.artifacts.get(ARTIFACT)!)).toBe(toHex(crypto.sha256(utf8(ARTIFACT))))

  const [request] = requests
  const { binding, evidence, checkpoint } = request!
  expect(binding).toEqual({
    version: 1,
    genesis: world.genesisDigest,
    wrapKey: binding.wrapKey,
    receiptKey: toBase64Url(context.receiptKey.publicKey),
    checkpoint: checkpointDigest(checkpoint),
  })
  const appraisal = appraiseEvidence(evidencePieces(evidence), platformPolicy(world.policy), {
    at: world.now,
    expectedReportData: bindReportData('enclave', binding),
    boundAt: world.now,
  })
  expect(appraisal.admitted).toBe(true)
  expect(obtained.identity.evidence).toBe(evidenceDigest(evidence))
  expect(obtained.identity.genesis).toBe(world.genesisDigest)
})

test('keys are wrapped to a key of that one release; the receipt key is the same all boot long', async () => {
  const { context, requests } = await createReleaseWorld()
  await obtainKeys(context)
  await obtainKeys(context)
  const [a, b] = requests.map(({ binding }) => binding)
  expect(a!.wrapKey).not.toBe(b!.wrapKey)
  expect(fromBase64Url(a!.wrapKey)).toHaveLength(WRAP_SUITE.kem.publicKeyLength)
  expect(a!.receiptKey).toBe(b!.receiptKey)
})

test('evidence is as old as the checkpoint it is bound to, however long collecting it took', async () => {
  const { context, requests, world } = await createReleaseWorld()
  // The newest checkpoint, of 30 seconds before.
  const spare = world.policy.evidenceMaxAgeSeconds - 30
  const collectingFor = (seconds: number): typeof context => {
    let now = world.now
    const { hardware } = context
    const collectEvidence = async (binding: Uint8Array): ReturnType<typeof hardware.collectEvidence> => {
      now += seconds
      return hardware.collectEvidence(binding)
    }
    return { ...context, now: () => now, hardware: { ...hardware, collectEvidence } }
  }
  await expect(obtainKeys(collectingFor(spare + 1))).rejects.toMatchObject({
    code: 'RELEASE_HARDWARE_REFUSED',
    found: 'software: policy.freshness: it is too old',
  })
  expect(requests).toEqual([])
  expect((await obtainKeys(collectingFor(spare))).keys).toHaveLength(1)
})

test('two boots share no receipt key', () => {
  expect(toHex(createReceiptKey().publicKey)).not.toBe(toHex(createReceiptKey().publicKey))
})

describe('a KMS that fails the measured policy gets no evidence, and its keys are not taken', () => {
  test.each<[string, WorldOptions]>([
    [
      'another genesis',
      { policy: (policy) => ({ ...policy, genesis: documentDigest({ another: 'genesis' }) }) },
    ],
    ['a genesis signed by somebody else', { signers: { genesis: fakeSigner() } }],
    ['a statement key the root did not certify', { signers: { certificate: fakeSigner() } }],
    ['another image', { measurement: 'ee'.repeat(48) }],
    ['releases signed by an unknown key', { signers: { release: fakeSigner() } }],
    ['a policy no member signed', { signers: { keyPolicy: fakeSigner() } }],
    ['a key set it did not sign', { signers: { keySet: fakeSigner() } }],
    ['old evidence', { evidenceAge: 90_000 }],
    [
      'a policy that admits an image nobody released',
      {
        keyPolicy: (policy) => ({
          ...policy,
          anyOf: [...policy.anyOf, { ...policy.anyOf[0]!, name: 'rogue', measurement: 'ff'.repeat(48) }],
        }),
      },
    ],
    [
      'a revoked image',
      { policy: (policy) => ({ ...policy, minSecurityVersion: { kms: 2, inference: 1 } }) },
    ],
    [
      'a root the policy does not name',
      {
        policy: (policy) => ({
          ...policy,
          platforms: [{ name: 'other', allOf: [{ family: 'software', roots: ['ee'.repeat(32)] }] }],
        }),
      },
    ],
  ])('%s', async (_, options) => {
    const { context, requests } = await createReleaseWorld(options)
    await expect(obtainKeys(context)).rejects.toMatchObject({ code: 'RELEASE_KMS_REFUSED', action: 'stop' })
    expect(requests).toEqual([])
  })
})

test(
  claim(
    'owner.policy',
    'content keys can be had later too: by evidence of their own, and a receipt that names them',
  ),
  async () => {
    const { context, requests, world } = await createReleaseWorld()
    await obtainKeys(context)
    const entries = world.log.size
    const keys = await obtainArtifactKeys({ ...context, artifacts: [ARTIFACT] }, OWNER)
    expect([...keys]).toEqual([[ARTIFACT, crypto.sha256(utf8(ARTIFACT))]])
    // Whoever names the artifact of another in a statement of their own gets nothing by it.
    await expect(obtainArtifactKeys({ ...context, artifacts: [ARTIFACT] }, OTHER)).rejects.toMatchObject({
      code: 'RELEASE_INVALID',
      expected: OTHER,
      found: OWNER,
    })
    expect(world.log.size).toBe(entries + 2)
    const [boot, later] = requests
    expect(later!.artifacts).toEqual([ARTIFACT])
    expect(later!.binding.receiptKey).toBe(boot!.binding.receiptKey)
    expect(later!.binding.wrapKey).not.toBe(boot!.binding.wrapKey)
    expect(evidenceDigest(later!.evidence)).not.toBe(evidenceDigest(boot!.evidence))
  },
)

describe('what a KMS releases is compared with what it published', () => {
  const stranger = kemById(HPKE_KEM.DHKEM_X25519).generate()
  test.each<[string, Dishonesty]>([
    ['keys wrapped for somebody else', { wrapKey: toBase64Url(WRAP_SUITE.kem.generate().publicKey) }],
    [
      'the private key of another public key',
      { released: (keys) => ({ ...keys, keys: [{ keyId: 7, privateKey: toBase64Url(stranger.export()) }] }) },
    ],
    [
      'a key that is not in the set',
      {
        released: (keys) => ({
          ...keys,
          keys: [...keys.keys, { keyId: 8, privateKey: toBase64Url(stranger.export()) }],
        }),
      },
    ],
    ['a receipt that does not name the key', { receipt: (receipt) => ({ ...receipt, keyIds: [8] }) }],
    ['no content key for an artifact', { released: (keys) => ({ ...keys, artifacts: [] }) }],
    [
      'a receipt that does not name a content key',
      {
        receipt: (receipt) => ({
          ...receipt,
          artifacts: [{ id: 'cd'.repeat(16), owner: OWNER, policy: receipt.policy }],
        }),
      },
    ],
    ['a receipt for other evidence', { receipt: (receipt) => ({ ...receipt, evidence: '99'.repeat(32) }) }],
    [
      'a receipt for another receipt key',
      { receipt: (receipt) => ({ ...receipt, receiptKey: toBase64Url(fakeSigner().publicKey) }) },
    ],
    ['a receipt under another policy', { receipt: (receipt) => ({ ...receipt, policy: '99'.repeat(32) }) }],
    ['a receipt of another genesis', { receipt: (receipt) => ({ ...receipt, genesis: '99'.repeat(32) }) }],
  ])('%s is refused', async (_, dishonesty) => {
    const setup = await createReleaseWorld({}, [ARTIFACT])
    Object.assign(setup.dishonesty, dishonesty)
    await expect(obtainKeys(setup.context)).rejects.toMatchObject({ code: 'RELEASE_INVALID', action: 'stop' })
  })

  const other = { keyId: 9, config: toBase64Url(fakeKeyConfig(9)) }

  test('a live key of the set that is not released is refused: the bundle would advertise it', async () => {
    const setup = await createReleaseWorld({
      keySet: (set) => ({ ...set, keys: [...set.keys, { ...set.keys[0]!, ...other }] }),
    })
    setup.dishonesty.receipt = (receipt) => ({ ...receipt, keyIds: [7, 9] })
    await expect(obtainKeys(setup.context)).rejects.toMatchObject({
      code: 'RELEASE_INVALID',
      expected: 'key 9',
    })
  })

  test('a key whose time is over need not be released', async () => {
    const setup = await createReleaseWorld({
      keySet: (set) => ({
        ...set,
        keys: [
          ...set.keys,
          { ...set.keys[0]!, ...other, notBefore: set.issuedAt - 90, notAfter: set.issuedAt },
        ],
      }),
    })
    expect((await obtainKeys(setup.context)).keys.map(({ key }) => key.config.keyId)).toEqual([7])
  })

  test('a receipt the statement key did not sign is refused', async () => {
    const setup = await createReleaseWorld()
    setup.dishonesty.signer = fakeSigner()
    await expect(obtainKeys(setup.context)).rejects.toMatchObject({ action: 'stop' })
  })

  test('an epoch that changed between two answers is tried again', async () => {
    const setup = await createReleaseWorld()
    setup.dishonesty.receipt = (receipt) => ({ ...receipt, epoch: 2 })
    await expect(obtainKeys(setup.context)).rejects.toMatchObject({
      code: 'RELEASE_KMS_UNREACHABLE',
      action: 'retry',
    })
  })
})
