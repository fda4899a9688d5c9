import { beforeAll, describe, expect, it } from 'vitest'
import { toBase64Url } from '@sotto/protocol/bytes'
import { type TrustBundle } from '@sotto/protocol/evidence'
import { createWorld, fakeKeyConfig, fakeSigner, type World } from '@sotto/testkit'
import { verifyTrustBundle, type BundleResult, type TrustPolicy } from '@sotto/verifier'
import { claim } from '../../../../test/claims.ts'
import { failed, verify } from './bundle-steps.ts'

const statusOf = ({ verdict }: BundleResult, step: string): string | undefined =>
  verdict.steps.find(({ name }) => name === step)?.status

type Path = (string | number)[]

/** Every place of a document, whole parts before what is in them. */
function* placesIn(value: unknown, path: Path = []): Generator<Path> {
  if (path.length > 0) yield path
  if (typeof value !== 'object' || value === null) return
  for (const [name, member] of Object.entries(value))
    yield* placesIn(member, [...path, Array.isArray(value) ? Number(name) : name])
}

const read = (document: unknown, path: Path): unknown =>
  path.reduce<unknown>((value, name) => (value as Record<string, unknown> | undefined)?.[name], document)

/** A copy of the bundle with this place replaced. */
function replaced(bundle: TrustBundle, path: Path, value: unknown): TrustBundle {
  const copy = structuredClone(bundle)
  const parent = read(copy, path.slice(0, -1)) as Record<string, unknown>
  parent[path.at(-1)!] = structuredClone(value)
  return copy
}

describe('an operator who composes bundles', () => {
  let world: World
  let other: World
  beforeAll(async () => {
    world = await createWorld()
    other = await createWorld()
  })

  it('gains nothing by taking any part of another genuine deployment', () => {
    let places = 0
    for (const path of placesIn(world.bundle)) {
      const foreign = read(other.bundle, path)
      if (foreign === undefined || JSON.stringify(foreign) === JSON.stringify(read(world.bundle, path)))
        continue
      places += 1
      const { verdict, service } = verifyTrustBundle(replaced(world.bundle, path, foreign), world.policy, {
        now: world.now,
      })
      expect([path.join('.'), verdict.ok, service]).toEqual([path.join('.'), false, undefined])
    }
    expect(places).toBeGreaterThan(30)
  })

  it('gains nothing by putting one statement in the place of another', () => {
    const { bundle } = world
    const statements: [Path, unknown][] = [
      [['genesis'], bundle.genesis],
      [['kms', 'certificate'], bundle.kms.certificate],
      [['releases', 0], bundle.releases[0]],
      [['releases', 1], bundle.releases[1]],
      [['policy'], bundle.policy],
      [['keySet'], bundle.keySet],
    ]
    for (const [path, own] of statements)
      for (const [from, statement] of statements) {
        if (own === statement) continue
        const swapped = verifyTrustBundle(replaced(bundle, path, statement), world.policy, { now: world.now })
        expect(swapped.verdict.ok, `${from.join('.')} as ${path.join('.')}`).toBe(false)
      }
  })

  it('gains nothing by leaving a release statement out, and a second copy of one is no second release', () => {
    for (const keep of [0, 1]) {
      const releases = [world.bundle.releases[keep]!, world.bundle.releases[keep]!]
      const result = verifyTrustBundle({ ...world.bundle, releases }, world.policy, { now: world.now })
      expect(failed(result)).toEqual([keep === 0 ? 'keys.policy-tuples' : 'kms.measurement'])
    }
  })

  it('never has a check passed whose grounds are missing', async () => {
    const broken = await createWorld({ policy: (policy) => ({ ...policy, log: other.policy.log }) })
    const { verdict } = verify(broken)
    for (const { status, reason, name } of verdict.steps) {
      if (status === 'skipped' && !/^(hardware|tokens)\./.test(name))
        expect(reason).toContain('not established')
    }
    expect(verdict.steps.filter(({ status }) => status === 'pass').map(({ name }) => name)).toEqual([
      'kms.evidence',
    ])
  })
})

describe('time', () => {
  it(claim('T6', 'is refused when it is no number: nothing is fresh then'), async () => {
    const world = await createWorld()
    for (const now of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]) {
      const result = verify(world, { now })
      expect(result.service).toBeUndefined()
      expect(failed(result)).toContain('log.witnesses')
    }
  })

  it(claim('T6', 'limits of a policy nobody parsed do not open when they are missing'), async () => {
    const world = await createWorld()
    for (const limit of ['checkpointMaxAgeSeconds', 'evidenceMaxAgeSeconds'] as const) {
      const { [limit]: _gone, ...rest } = world.policy
      expect(verify(world, {}, rest as TrustPolicy).verdict.ok).toBe(false)
    }
    const witnesses = { ...world.policy.witnesses, quorum: Number.NaN }
    expect(failed(verify(world, {}, { ...world.policy, witnesses }))).toContain('log.witnesses')
  })

  it(claim('T6', 'of witnesses ahead of this clock does not make a verdict last longer'), async () => {
    const ahead = await createWorld({ checkpointAge: -200, evidenceAge: -200 })
    expect(verify(ahead).verdict).toMatchObject({ ok: true, validUntil: ahead.now + 3600 })
  })

  it(claim('T6', 'ends a verdict with whatever ends first, and at that instant it is over'), async () => {
    const key = { config: toBase64Url(fakeKeyConfig(1)), keyId: 1 }
    for (const [limit, options] of [
      [1000, { certificate: (c) => ({ ...c, notAfter: c.notBefore + 1100 }) }],
      [1100, { keys: (policy, now) => [{ ...key, policy, notBefore: now - 9, notAfter: now + 1100 }] }],
      [1200, { policy: (policy) => ({ ...policy, checkpointMaxAgeSeconds: 1230 }) }],
      [
        1300,
        {
          policy: (policy) => ({ ...policy, evidenceMaxAgeSeconds: 1360 }),
          keyPolicy: (keyPolicy) => ({ ...keyPolicy, evidenceMaxAgeSeconds: 1360 }),
        },
      ],
    ] satisfies [number, Parameters<typeof createWorld>[0]][]) {
      const world = await createWorld(options)
      expect(verify(world).verdict.validUntil, `${limit}`).toBe(world.now + limit)
      expect(verify(world, { now: world.now + limit - 1 }).verdict.ok, `${limit}`).toBe(true)
      expect(verify(world, { now: world.now + limit + 1 }).verdict.ok, `${limit}`).toBe(false)
    }
  })

  it(
    claim('T6', 'of evidence is not renewed by newer cosignatures under the tree it was bound to'),
    async () => {
      const world = await createWorld({ evidenceAge: 86_500 })
      expect(failed(verify(world))).toEqual(['kms.evidence-fresh'])
      const size = Number(world.bundle.kms.boundCheckpoint.split('\n')[1])
      world.bundle.kms.boundCheckpoint = await world.log.checkpoint({ time: world.now - 5, size })
      expect(failed(verify(world))).toEqual(['kms.binding'])
    },
  )

  it('of evidence comes from a witnessed tree that the checkpoint contains', async () => {
    const world = await createWorld()
    const { boundCheckpoint } = world.bundle.kms
    const [, size] = boundCheckpoint.split('\n')
    world.bundle.kms.boundCheckpoint = await world.log.checkpoint({
      time: world.now,
      size: Number(size),
      witnesses: 1,
    })
    expect(failed(verify(world))).toEqual(['kms.evidence-fresh'])
    world.bundle.kms.boundCheckpoint = boundCheckpoint
    world.bundle.kms.consistency = world.bundle.kms.consistency.toReversed()
    expect(failed(verify(world))).toEqual(['kms.evidence-fresh'])
  })
})

describe('witnesses', () => {
  it(
    claim('T14', 'of one organisation do not become two through an old cosignature of another'),
    async () => {
      const world = await createWorld()
      const { witnesses } = world.policy
      const [first, second] = witnesses.keys as [(typeof witnesses.keys)[0], (typeof witnesses.keys)[0]]
      // Both fresh witnesses belong to A; B cosigned the same tree two hours ago.
      const third = await createWorld()
      const stale = third.policy.witnesses.keys[0]!
      const keys = [
        { ...first, organisation: 'A' },
        { ...second, organisation: 'A' },
        { ...stale, organisation: 'B' },
      ]
      const policy = { ...world.policy, witnesses: { ...witnesses, keys } }
      expect(failed(verify(world, {}, policy))).toEqual(['log.witnesses-independent'])
      const { bundle } = world
      const [head] = bundle.checkpoint.split('\n\n')
      bundle.checkpoint += third.log.cosign(`${head}\n`, 0, world.now - 7200)
      expect(failed(verify(world, {}, policy))).toEqual(['log.witnesses-independent'])
      bundle.checkpoint += third.log.cosign(`${head}\n`, 0, world.now - 60)
      expect(failed(verify(world, {}, policy))).toEqual([])
    },
  )

  it(
    claim('T14', 'of the operator are skipped, not passed, beside one independent organisation'),
    async () => {
      const world = await createWorld({
        policy: (policy) => ({
          ...policy,
          witnesses: {
            ...policy.witnesses,
            allowOperatorWitnesses: true,
            keys: policy.witnesses.keys.map((key, i) => ({ ...key, operator: i === 0 })),
          },
        }),
      })
      expect(statusOf(verify(world), 'log.witnesses-independent')).toBe('skipped')
    },
  )
})

describe('signatures that must be several', () => {
  const [a, b] = [fakeSigner(), fakeSigner()]
  const members = [a, b].map(({ publicKey }, i) => ({ name: `member ${i}`, key: toBase64Url(publicKey) }))

  it(claim('chain.policy', 'count distinct members, however often one of them signs'), async () => {
    for (const [signers, steps] of [
      [[a, b], []],
      [[a], ['keys.policy']],
      [[a, a], ['keys.policy']],
      [[a, fakeSigner()], ['keys.policy']],
    ] as const) {
      const world = await createWorld({
        genesis: (genesis) => ({ ...genesis, members, threshold: 2 }),
        signers: { keyPolicy: [...signers] },
      })
      expect(failed(verify(world))).toEqual(steps)
    }
  })

  it('cannot be asked of one member twice: such a genesis is refused', async () => {
    const twice = [members[0]!, { ...members[0]!, name: 'again' }]
    const world = await createWorld({
      genesis: (genesis) => ({ ...genesis, members: twice, threshold: 2 }),
      signers: { keyPolicy: [a, a] },
    })
    expect(failed(verify(world))).toEqual(['genesis.pinned'])
  })
})
