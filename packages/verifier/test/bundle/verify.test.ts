import * as fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import { encodeTrustBundle, parseTrustBundle } from '@sotto/protocol/evidence'
import type { PolicyTuple } from '@sotto/protocol/keyrelease'
import { createWorld, fakeKeyConfig, fakeSigner, type World, type WorldOptions } from '@sotto/testkit'
import { toBase64Url } from '@sotto/protocol/bytes'
import { verifyTrustBundle, type BundleContext, type BundleResult } from '@sotto/verifier'
import { claim, type ClaimId } from '../../../../test/claims.ts'

const verify = (world: World, context: Partial<BundleContext> = {}): BundleResult =>
  verifyTrustBundle(parseTrustBundle(encodeTrustBundle(world.bundle)), world.policy, {
    now: world.now,
    ...context,
  })

const failed = (result: BundleResult): string[] =>
  result.verdict.steps.filter(({ status }) => status === 'fail').map(({ name }) => name)

const tuple = (world: Pick<World, 'images' | 'root'>): PolicyTuple => ({
  name: 'inference',
  role: 'inference',
  family: 'software',
  root: world.root.digest,
  ...world.images.inference,
})

describe('an honest bundle', () => {
  let world: World
  beforeAll(async () => {
    world = await createWorld()
  })

  it(
    claim(
      ['chain.evidence', 'chain.measurement', 'chain.receipt', 'chain.log'],
      'passes every step that applies, in the order of the chain',
    ),
    () => {
      const { verdict, service } = verify(world)
      expect(verdict.steps.map(({ name, status }) => `${name} ${status}`)).toEqual([
        'log.checkpoint pass',
        'log.witnesses pass',
        'log.witnesses-independent pass',
        'log.consistency skipped',
        'genesis.pinned pass',
        'genesis.logged pass',
        'kms.evidence pass',
        'kms.evidence-fresh pass',
        'kms.binding pass',
        'kms.release-logged pass',
        'kms.measurement pass',
        'kms.certificate pass',
        'keys.receipt pass',
        'keys.logged pass',
        'keys.policy pass',
        'keys.policy-tuples pass',
        'keys.suite pass',
        'keys.validity pass',
        'hardware.cpu-vendor skipped',
        'hardware.gpu skipped',
        'tokens.issuer skipped',
      ])
      expect(verdict.ok).toBe(true)
      expect(service!.keys).toMatchObject([{ keyId: 7, kem: 'X25519' }])
    },
  )

  it(claim('T10', 'says that a software TEE is part of it and whom it trusts'), () => {
    const { verdict } = verify(world)
    expect(verdict.software).toBe(true)
    expect(verdict.trustedParties[0]).toContain('owner of this machine')
  })

  it(claim('T6', 'is valid until the shortest validity in it'), () => {
    expect(verify(world).verdict.validUntil).toBe(world.now - 30 + 3600)
  })

  it(claim('T6', 'is the same bytes for everybody'), () => {
    expect(encodeTrustBundle(world.bundle)).toEqual(encodeTrustBundle(structuredClone(world.bundle)))
  })

  it('is refused after any flipped byte', () => {
    const bytes = encodeTrustBundle(world.bundle)
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 127 }), (at, mask) => {
        const flipped = bytes.map((byte, i) => (i === at ? byte ^ mask : byte))
        let result: BundleResult
        try {
          result = verifyTrustBundle(parseTrustBundle(flipped), world.policy, { now: world.now })
        } catch (error) {
          expect(error).toHaveProperty('code')
          return
        }
        expect(result.verdict.ok).toBe(false)
        expect(result.service).toBeUndefined()
      }),
      { numRuns: process.env['SLOW'] ? 2000 : 60 },
    )
  })
})

/** One dishonest world each: what is changed, which steps must fail, which promise that keeps. */
const CASES: [
  claims: ClaimId | ClaimId[],
  what: string,
  steps: string[],
  options: WorldOptions | ((other: World) => WorldOptions),
][] = [
  [
    'T1',
    'another genuine KMS of the operator',
    ['genesis.pinned'],
    { policy: (policy) => ({ ...policy, genesis: '0'.repeat(64) }) },
  ],
  ['T1', 'a genesis somebody else signed', ['genesis.pinned'], { signers: { genesis: fakeSigner() } }],
  [
    'chain.log',
    'a log the policy does not name',
    ['log.checkpoint', 'genesis.pinned'],
    (other) => ({ policy: (policy) => ({ ...policy, log: { ...policy.log, key: other.log.key } }) }),
  ],
  [
    'chain.log',
    'one witness where two are required',
    ['log.witnesses', 'log.witnesses-independent'],
    { witnesses: 1 },
  ],
  [
    'T6',
    'a checkpoint older than an hour',
    ['log.witnesses', 'log.witnesses-independent'],
    { checkpointAge: 3700 },
  ],
  ['T6', 'a checkpoint from the future', ['log.witnesses'], { checkpointAge: -400 }],
  ['T6', 'evidence older than a day', ['kms.evidence-fresh'], { evidenceAge: 86_500 }],
  [
    'chain.log',
    'witnesses of the operator only',
    ['log.witnesses', 'log.witnesses-independent'],
    {
      policy: (policy) => ({
        ...policy,
        witnesses: {
          ...policy.witnesses,
          keys: policy.witnesses.keys.map((key) => ({ ...key, operator: true })),
        },
      }),
    },
  ],
  [
    'chain.evidence',
    'a software root the policy does not name',
    ['kms.evidence', 'keys.policy-tuples'],
    (other) => ({
      policy: (policy) => ({ ...policy, roots: [{ family: 'software', root: other.root.digest }] }),
    }),
  ],
  [
    'T10',
    'a software TEE under a policy for hardware',
    ['kms.evidence', 'keys.policy-tuples'],
    (other) => ({ policy: (policy) => ({ ...policy, roots: [{ family: 'snp', root: other.root.digest }] }) }),
  ],
  [
    'chain.measurement',
    'a KMS measurement nobody released',
    ['kms.measurement'],
    { measurement: 'c3'.repeat(48) },
  ],
  [
    'chain.measurement',
    'a release statement signed by somebody else',
    ['kms.release-logged'],
    { signers: { release: fakeSigner() } },
  ],
  [
    'T2',
    'a revoked measurement',
    ['keys.policy-tuples'],
    { policy: (policy) => ({ ...policy, revoked: ['b2'.repeat(32) + '00'.repeat(16)] }) },
  ],
  [
    'T2',
    'a release older than the policy allows',
    ['keys.policy-tuples'],
    { policy: (policy) => ({ ...policy, minSecurityVersion: { kms: 1, inference: 2 } }) },
  ],
  [
    'T2',
    'a second tuple that is no release',
    ['keys.policy-tuples'],
    (other) => ({
      keyPolicy: (keyPolicy) => ({
        ...keyPolicy,
        anyOf: [
          ...keyPolicy.anyOf,
          { ...tuple(other), name: 'extra', root: keyPolicy.anyOf[0]!.root, measurement: 'dd'.repeat(48) },
        ],
      }),
    }),
  ],
  [
    'chain.policy',
    'a tuple that mixes the measurement of one release with the configuration of another',
    ['keys.policy-tuples'],
    (other) => ({
      keyPolicy: (keyPolicy) => ({
        ...keyPolicy,
        anyOf: [{ ...keyPolicy.anyOf[0]!, hostData: other.images.kms.hostData }],
      }),
    }),
  ],
  [
    'T2',
    'a tuple of another role',
    ['keys.policy-tuples'],
    { keyPolicy: (keyPolicy) => ({ ...keyPolicy, anyOf: [{ ...keyPolicy.anyOf[0]!, role: 'kms' }] }) },
  ],
  ['chain.policy', 'a policy no member signed', ['keys.policy'], { signers: { keyPolicy: fakeSigner() } }],
  [
    'chain.policy',
    'a policy of another genesis',
    ['keys.policy'],
    { keyPolicy: (keyPolicy) => ({ ...keyPolicy, genesis: '1'.repeat(64) }) },
  ],
  [
    'chain.receipt',
    'a key set the KMS did not sign',
    ['keys.receipt'],
    { signers: { keySet: fakeSigner() } },
  ],
  [
    'chain.receipt',
    'a key set of another genesis',
    ['keys.receipt'],
    { keySet: (keySet) => ({ ...keySet, genesis: '1'.repeat(64) }) },
  ],
  [
    'chain.receipt',
    'a key identifier twice in a set',
    ['keys.receipt'],
    { keySet: (keySet) => ({ ...keySet, keys: [keySet.keys[0]!, keySet.keys[0]!] }) },
  ],
  [
    'chain.evidence',
    'a statement key certified by another root',
    ['kms.certificate'],
    { signers: { certificate: fakeSigner() } },
  ],
  [
    'chain.evidence',
    'an expired statement key',
    ['kms.certificate'],
    { certificate: (certificate) => ({ ...certificate, notAfter: certificate.notBefore + 1 }) },
  ],
  [
    'chain.evidence',
    'a certified key that is not the bound key',
    ['kms.certificate'],
    { certificate: (certificate) => ({ ...certificate, signingKey: toBase64Url(fakeSigner().publicKey) }) },
  ],
  [
    'T1',
    'evidence bound to another genesis',
    ['kms.binding'],
    { binding: (binding) => ({ ...binding, genesis: '2'.repeat(64) }) },
  ],
  [
    'T6',
    'evidence bound to another checkpoint',
    ['kms.binding'],
    { binding: (binding) => ({ ...binding, checkpoint: '2'.repeat(64) }) },
  ],
  [
    'T5',
    'keys below the floor of the policy',
    ['keys.suite'],
    { policy: (policy) => ({ ...policy, kems: ['X-Wing'] }) },
  ],
  [
    'chain.receipt',
    'keys that expired',
    ['keys.validity'],
    {
      keys: (policy, now) => [
        { keyId: 1, config: toBase64Url(fakeKeyConfig(1)), policy, notBefore: now - 9, notAfter: now },
      ],
    },
  ],
  [
    'chain.receipt',
    'a configuration under another identifier',
    ['keys.suite'],
    {
      keys: (policy, now) => [
        { keyId: 1, config: toBase64Url(fakeKeyConfig(2)), policy, notBefore: now - 9, notAfter: now + 9 },
      ],
    },
  ],
  [
    'T2',
    'keys under a policy that was not shown',
    ['keys.suite'],
    {
      keySet: (keySet) => ({
        ...keySet,
        keys: keySet.keys.map((key) => ({ ...key, policy: '3'.repeat(64) })),
      }),
    },
  ],
]

describe('a dishonest bundle', () => {
  let other: World
  beforeAll(async () => {
    other = await createWorld()
  })

  for (const [claims, what, steps, options] of CASES) {
    it(claim(claims, `is refused for ${what}`), async () => {
      const world = await createWorld(typeof options === 'function' ? options(other) : options)
      const result = verify(world)
      expect(failed(result).sort()).toEqual([...steps].sort())
      expect(result.verdict.ok).toBe(false)
      expect(result.service).toBeUndefined()
      for (const step of result.verdict.steps) if (step.status === 'fail') expect(step.reason).toBeTruthy()
    })
  }

  it('is refused for evidence of another KMS, whose statement key the report does not bind', async () => {
    const world = await createWorld()
    world.bundle.kms.evidence = other.bundle.kms.evidence
    world.policy.roots.push({ family: 'software', root: other.root.digest })
    expect(failed(verify(world))).toContain('kms.binding')
  })

  it('is refused when a proof is of another entry, whichever statement it belongs to', async () => {
    for (const [pick, step] of [
      [(world: World) => world.bundle.genesis, 'genesis.logged'],
      [(world: World) => world.bundle.releases[0]!, 'kms.release-logged'],
      [(world: World) => world.bundle.kms.certificate, 'kms.certificate'],
      [(world: World) => world.bundle.policy, 'keys.policy'],
      [(world: World) => world.bundle.keySet, 'keys.logged'],
    ] as const) {
      const world = await createWorld()
      pick(world).index = (pick(world).index + 1) % world.log.size
      expect(failed(verify(world)), step).toEqual([step])
    }
  })

  it(claim('T6', 'is refused when the log forked or shrank since the last look'), async () => {
    const world = await createWorld()
    const { checkpoint } = verify(world).service!
    expect(failed(verify(world, { lastCheckpoint: checkpoint }))).toEqual([])
    expect(failed(verify(world, { lastCheckpoint: { ...checkpoint, root: new Uint8Array(32) } }))).toEqual([
      'log.consistency',
    ])
    expect(failed(verify(world, { lastCheckpoint: { ...checkpoint, size: checkpoint.size + 1 } }))).toEqual([
      'log.consistency',
    ])
    expect(
      failed(verify(world, { lastCheckpoint: { size: 2, root: new Uint8Array(32) }, consistency: [] })),
    ).toEqual(['log.consistency'])
  })

  it(
    claim('T14', 'shows operator witnesses as a skipped step where the policy accepts them, never as a pass'),
    async () => {
      const world = await createWorld({
        policy: (policy) => ({
          ...policy,
          witnesses: {
            ...policy.witnesses,
            allowOperatorWitnesses: true,
            keys: policy.witnesses.keys.map((key) => ({ ...key, operator: true })),
          },
        }),
      })
      const { verdict } = verify(world)
      expect(verdict.steps.find(({ name }) => name === 'log.witnesses-independent')).toMatchObject({
        status: 'skipped',
        reason: expect.stringContaining('operator'),
      })
      expect(verdict.ok).toBe(true)
    },
  )

  it('prefers X-Wing when the policy lists it first', async () => {
    const world = await createWorld({
      keys: (policy, now) => [
        { keyId: 1, config: toBase64Url(fakeKeyConfig(1)), policy, notBefore: now - 9, notAfter: now + 99 },
        {
          keyId: 2,
          config: toBase64Url(fakeKeyConfig(2, new Uint8Array(1216), 0x647a)),
          policy,
          notBefore: now - 9,
          notAfter: now + 9,
        },
      ],
    })
    expect(verify(world).service!.keys.map(({ kem }) => kem)).toEqual(['X-Wing', 'X25519'])
  })
})
