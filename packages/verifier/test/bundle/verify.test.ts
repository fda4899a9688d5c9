import * as fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import { encodeTrustBundle, parseTrustBundle } from '@sotto/protocol/evidence'
import { createWorld, fakeKeyConfig, type World } from '@sotto/testkit'
import { toBase64Url } from '@sotto/protocol/bytes'
import { ALWAYS_REQUIRED, verifyTrustBundle, type BundleContext, type BundleResult } from '@sotto/verifier'
import { claim } from '../../../../test/claims.ts'
import { CASES } from './dishonest.ts'

const verify = (world: World, context: Partial<BundleContext> = {}): BundleResult =>
  verifyTrustBundle(parseTrustBundle(encodeTrustBundle(world.bundle)), world.policy, {
    now: world.now,
    ...context,
  })

const failed = (result: BundleResult): string[] =>
  result.verdict.steps.filter(({ status }) => status === 'fail').map(({ name }) => name)

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
        'keys.data-use skipped',
        'keys.app skipped',
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
    expect(verdict.trustedParties[0]).toContain('owner of the machine')
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
      { numRuns: process.env['SLOW'] ? 500 : 60 },
    )
  })
})

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
    world.policy.platforms.push({ name: 'other', allOf: other.policy.platforms[0]!.allOf })
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
          require: [...ALWAYS_REQUIRED],
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
