import { beforeAll, describe, expect, it } from 'vitest'
import { fromUtf8, utf8 } from '@sotto/protocol/bytes'
import { createWorld, type World } from '@sotto/testkit'
import {
  ALWAYS_REQUIRED,
  describeTrustPolicy,
  encodeTrustPolicy,
  parseTrustPolicy,
  REQUIRED_BY_CHOICE,
  type TrustPolicy,
} from '@sotto/verifier'
import { claim } from '../../../../test/claims.ts'

let world: World
let other: World
beforeAll(async () => {
  world = await createWorld()
  other = await createWorld()
})
const malformed = expect.objectContaining({ code: 'POLICY_MALFORMED', action: 'fix-input' })

describe('a trust policy', () => {
  it('is read as it was written, pretty or canonical, as bytes, text or value', () => {
    const { policy } = world
    for (const input of [
      policy,
      encodeTrustPolicy(policy),
      fromUtf8(encodeTrustPolicy(policy)),
      JSON.stringify(policy, null, 2),
      utf8(`${JSON.stringify(policy, null, '\t')}\n`),
    ]) {
      expect(parseTrustPolicy(input)).toEqual(policy)
    }
  })

  const CASES: [string, (policy: TrustPolicy) => unknown][] = [
    ['another version', (policy) => ({ ...policy, version: 2 })],
    ['an unknown member', (policy) => ({ ...policy, revokd: [] })],
    ['no release key', (policy) => ({ ...policy, releaseKeys: [] })],
    [
      'a release key twice',
      (policy) => ({ ...policy, releaseKeys: [...policy.releaseKeys, ...policy.releaseKeys] }),
    ],
    ['no platform', (policy) => ({ ...policy, platforms: [] })],
    ['a platform twice', (policy) => ({ ...policy, platforms: [...policy.platforms, ...policy.platforms] })],
    ['a platform of no kind', (policy) => ({ ...policy, platforms: [{ name: 'a', allOf: [] }] })],
    [
      'a platform nobody knows',
      (policy) => ({ ...policy, platforms: [{ name: 'a', allOf: [{ family: 'snp' }] }] }),
    ],
    [
      'a member of a platform that its family does not know',
      (policy) => ({ ...policy, platforms: [{ name: 'a', allOf: [{ family: 'sev-snp', minimum: 1 }] }] }),
    ],
    [
      'a GPU alone',
      (policy) => ({
        ...policy,
        platforms: [{ name: 'a', allOf: [{ family: 'nvidia' }], gpuBinding: { minGpus: 1, maxGpus: 1 } }],
      }),
    ],
    ['collateral of no age', (policy) => ({ ...policy, collateralMaxAgeSeconds: 0 })],
    ['no key encapsulation', (policy) => ({ ...policy, kems: [] })],
    ['an unknown key encapsulation', (policy) => ({ ...policy, kems: ['P-256'] })],
    ['a key encapsulation twice', (policy) => ({ ...policy, kems: ['X-Wing', 'X-Wing'] })],
    ['a short genesis', (policy) => ({ ...policy, genesis: 'ab' })],
    ['evidence older than a day', (policy) => ({ ...policy, evidenceMaxAgeSeconds: 86_401 })],
    ['evidence of no age', (policy) => ({ ...policy, evidenceMaxAgeSeconds: 0 })],
    ['a checkpoint older than an hour', (policy) => ({ ...policy, checkpointMaxAgeSeconds: 3601 })],
    ['a fraction of a second', (policy) => ({ ...policy, checkpointMaxAgeSeconds: 0.5 })],
    ['a name that turns the text around', (policy) => ({ ...policy, name: 'a\u202eb' })],
    [
      'a damaged log key',
      (policy) => ({ ...policy, log: { ...policy.log, key: policy.log.key.replace('+', '-') } }),
    ],
    [
      'a witness for a log',
      (policy) => ({ ...policy, log: { ...policy.log, key: policy.witnesses.keys[0]!.key } }),
    ],
    [
      'a log for a witness',
      (policy) => witnesses(policy, [{ ...policy.witnesses.keys[0]!, key: policy.log.key }]),
    ],
    [
      'a witness twice',
      (policy) => witnesses(policy, [policy.witnesses.keys[0]!, policy.witnesses.keys[0]!]),
    ],
    ['a quorum nobody can reach', (policy) => ({ ...policy, witnesses: { ...policy.witnesses, quorum: 3 } })],
    ['a quorum of none', (policy) => ({ ...policy, witnesses: { ...policy.witnesses, quorum: 0 } })],
    [
      'an organisation that is the operator and is not',
      (policy) => {
        const [first, second] = policy.witnesses.keys as [
          TrustPolicy['witnesses']['keys'][0],
          TrustPolicy['witnesses']['keys'][0],
        ]
        return witnesses(policy, [
          { ...first, operator: true },
          { ...second, organisation: first.organisation },
        ])
      },
    ],
  ]
  it.each(CASES)('is refused with %s', (_what, change) => {
    expect(() => parseTrustPolicy(change(world.policy) as object)).toThrow(malformed)
    expect(() => parseTrustPolicy(JSON.stringify(change(world.policy)))).toThrow(malformed)
  })

  const DEFECTS: [string, (policy: TrustPolicy) => unknown, RegExp][] = [
    [
      'is missing, as in no released version',
      ({ require: _require, ...policy }) => policy,
      /policy\.require is missing/,
    ],
    ['is empty', (policy) => ({ ...policy, require: [] }), /require/],
    [
      'names an unknown step',
      (policy) => ({ ...policy, require: [...policy.require, 'hardware.gpus'] }),
      /require\[17\]/,
    ],
    [
      'names a step twice',
      (policy) => ({ ...policy, require: [...policy.require, 'keys.suite'] }),
      /names a step twice/,
    ],
    [
      'is longer than there are steps',
      (policy) => ({ ...policy, require: Array(24).fill('keys.suite') }),
      /policy\.require is malformed/,
    ],
    ['is no list', (policy) => ({ ...policy, require: 'all' }), /policy\.require is malformed/],
    [
      'leaves out independent witnesses while those of the operator do not count',
      (policy) => ({ ...policy, require: [...ALWAYS_REQUIRED] }),
      /must name log\.witnesses-independent/,
    ],
    [
      'leaves out the vendor of hardware',
      (policy) => ({ ...policy, platforms: [{ name: 'milan', allOf: [{ family: 'sev-snp' }] }] }),
      /must name hardware\.cpu-vendor/,
    ],
    ...ALWAYS_REQUIRED.map((name): [string, (policy: TrustPolicy) => unknown, RegExp] => [
      `forgets ${name}`,
      (policy) => ({ ...policy, require: policy.require.filter((one) => one !== name) }),
      new RegExp(`must name ${name}: no policy may do without`),
    ]),
  ]
  it.each(DEFECTS)(
    claim('chain.required', 'is refused when its list of required steps %s'),
    (_what, change, says) => {
      const text = JSON.stringify(change(world.policy))
      expect(() => parseTrustPolicy(text)).toThrow(malformed)
      expect(() => parseTrustPolicy(text)).toThrow(says)
    },
  )

  it('may require every step there is, and says which ones it lets be skipped', () => {
    const all = parseTrustPolicy({
      ...world.policy,
      dataUse: { tasks: ['embedding'], maxRetentionSeconds: 0, training: false },
      apps: ['a9'.repeat(32)],
      require: [...ALWAYS_REQUIRED, ...REQUIRED_BY_CHOICE],
    })
    expect(all.require).toHaveLength(23)
    expect(describeTrustPolicy(all).join('\n')).toContain('use of content for: embedding; nothing kept')
    expect(describeTrustPolicy(all).join('\n')).toContain(
      `runs an app whose code has digest ${'a9'.repeat(32)}: the app sees requests.`,
    )
    expect(describeTrustPolicy(world.policy)).toContain(
      'Refuses a service that runs an app beside its models.',
    )
    expect(describeTrustPolicy(all).join('\n')).toContain('Requires 23 steps to pass; none may be skipped.')
    expect(describeTrustPolicy(world.policy).join('\n')).toContain(
      'Requires 17 steps to pass; log.consistency, keys.data-use, keys.app, hardware.cpu-vendor, hardware.gpu, tokens.issuer may be skipped',
    )
  })

  it('is refused with a member twice, of which a reader sees one and the machine the other', () => {
    const json = JSON.stringify(world.policy).replace('{', `{"genesis":"${other.genesisDigest}",`)
    expect(() => parseTrustPolicy(json)).toThrow(malformed)
  })

  it.each([
    ['nothing', ''],
    ['another document', '[]'],
    ['half a document', '{"version":1'],
    ['depth without end', '['.repeat(100)],
    ['length without end', ' '.repeat(300_000)],
  ])('is refused when it is %s', (_what, json) => {
    expect(() => parseTrustPolicy(json)).toThrow(malformed)
  })

  it(claim('T10', 'never accepts software beside hardware'), () => {
    const platforms = [...world.policy.platforms, { name: 'milan', allOf: [{ family: 'sev-snp' as const }] }]
    expect(() => parseTrustPolicy({ ...world.policy, platforms })).toThrow(malformed)
  })

  it(
    claim(['T10', 'T14'], 'says in words what it lets pass: software, and witnesses of the operator'),
    () => {
      expect(describeTrustPolicy(world.policy)[0]).toContain('software TEE')
      expect(describeTrustPolicy(world.policy).join('\n')).not.toContain('split view')
      const demo = { ...world.policy, witnesses: { ...world.policy.witnesses, allowOperatorWitnesses: true } }
      expect(describeTrustPolicy(demo).join('\n')).toContain('split view')
      const milan = { name: 'milan', allOf: [{ family: 'sev-snp' as const }] }
      const hardware = { ...world.policy, platforms: [milan] }
      expect(describeTrustPolicy(hardware).join('\n')).not.toContain('software')
    },
  )
})

function witnesses(policy: TrustPolicy, keys: TrustPolicy['witnesses']['keys']): TrustPolicy {
  return { ...policy, witnesses: { ...policy.witnesses, keys } }
}
