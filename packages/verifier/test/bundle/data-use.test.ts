import { describe, expect, test } from 'vitest'
import {
  type AcceptedDataUse,
  BY_CONTRACT,
  DATA_TASKS,
  type DataUse,
  NO_CONTENT,
} from '@sotto/protocol/data-use'
import type { ReleaseStatement, Role } from '@sotto/protocol/keyrelease'
import { softwareMeasurement } from '@sotto/protocol/measurement'
import { createWorld, type WorldOptions } from '@sotto/testkit'
import { parseTrustPolicy, type Step, type TrustPolicy, verifyTrustBundle } from '@sotto/verifier'
import { claim } from '../../../../test/claims.ts'

const DECLARED: DataUse = { tasks: ['transcription'], retentionSeconds: 0, training: false }
const ACCEPTED: AcceptedDataUse = { tasks: [...DATA_TASKS], maxRetentionSeconds: 0, training: false }

const declaring =
  (dataUse: DataUse | undefined, ofKms: DataUse | undefined = NO_CONTENT) =>
  (statement: ReleaseStatement): ReleaseStatement => {
    const declared = statement.predicate.role === 'kms' ? ofKms : dataUse
    return declared === undefined ? statement : declares(statement, declared)
  }
const declares = (statement: ReleaseStatement, dataUse: DataUse): ReleaseStatement => ({
  ...statement,
  predicate: { ...statement.predicate, dataUse },
})

/** A world in which one more program may hold keys, of this role and with this declaration. */
function withAnother(role: Role, dataUse: DataUse | undefined): WorldOptions {
  const image = 'c3'.repeat(32)
  const pins = { measurements: [softwareMeasurement(image)] }
  return {
    release: declaring(DECLARED),
    moreReleases(_kms, workload) {
      const [, configuration] = workload.subject
      const { dataUse: _own, ...predicate } = workload.predicate
      const evidence = { ...predicate.evidence, ...pins }
      const another: ReleaseStatement = {
        ...workload,
        subject: [{ name: 'image', digest: { sha256: image } }, configuration],
        predicate: { ...predicate, role, version: '2.0.0', evidence },
      }
      return [dataUse === undefined ? another : declares(another, dataUse)]
    },
    keyPolicy(policy) {
      const [{ allOf }] = policy.anyOf as [(typeof policy.anyOf)[number]]
      return {
        ...policy,
        anyOf: [...policy.anyOf, { name: 'another', role, allOf: [{ ...allOf[0]!, ...pins }] }],
      }
    },
    policy: asking(ACCEPTED),
  }
}
const asking =
  (dataUse: AcceptedDataUse) =>
  (policy: TrustPolicy): TrustPolicy => ({
    ...policy,
    dataUse,
    require: [...policy.require, 'keys.data-use'],
  })

async function stepOf(options: WorldOptions): Promise<{ ok: boolean; step: Step; opens: boolean }> {
  const { bundle, policy, now } = await createWorld(options)
  const { verdict, service } = verifyTrustBundle(bundle, parseTrustPolicy(policy), { now })
  const step = verdict.steps.find(({ name }) => name === 'keys.data-use')!
  return { ok: verdict.ok, step, opens: service !== undefined }
}

describe('what content is used for', () => {
  test(claim('T20', 'passes when every release declares a use that the policy accepts'), async () => {
    expect(await stepOf({ release: declaring(DECLARED), policy: asking(ACCEPTED) })).toMatchObject({
      ok: true,
      step: { status: 'pass', found: 'transcription; nothing kept; no training' },
    })
  })

  test.each<[string, DataUse | undefined, string]>([
    ['nothing is declared', undefined, 'declares no data use'],
    ['content is kept', { ...DECLARED, retentionSeconds: 1 }, 'keeps content for 1 s'],
    ['content trains a model', { ...DECLARED, training: true }, 'trains on content'],
  ])(claim(['T20', 'chain.nothing-sent'], 'is refused when %s'), async (_, declared, reason) => {
    const { ok, step, opens } = await stepOf({ release: declaring(declared), policy: asking(ACCEPTED) })
    expect({ ok, opens, status: step.status }).toEqual({ ok: false, opens: false, status: 'fail' })
    expect(step.reason).toBe(`tuple inference: inference 1.0.0 ${reason}`)
  })

  test('is refused for a task that the policy does not name', async () => {
    const policy = asking({ ...ACCEPTED, tasks: ['embedding'] })
    const { step } = await stepOf({ release: declaring(DECLARED), policy })
    expect(step).toMatchObject({ status: 'fail', reason: expect.stringContaining('transcription') as string })
  })

  test('is skipped, with the reason, when the policy does not ask', async () => {
    const { ok, step } = await stepOf({ release: declaring({ ...DECLARED, training: true }) })
    expect({ ok, step }).toMatchObject({ ok: true, step: { status: 'skipped' } })
  })

  test('a KMS that declares to use content is no release', async () => {
    const release = declaring(DECLARED, DECLARED)
    expect((await stepOf({ release, policy: asking(ACCEPTED) })).ok).toBe(false)
  })

  test.each<[string, WorldOptions, string]>([
    [
      'the KMS',
      {
        release: (statement) =>
          statement.predicate.role === 'kms' ? statement : declares(statement, DECLARED),
      },
      'kms 1.0.0',
    ],
    ['a KMS that may take over', withAnother('kms', undefined), 'tuple another: kms 2.0.0'],
    ['a room', withAnother('room', undefined), 'tuple another: room 2.0.0'],
    ['one workload of several', withAnother('inference', undefined), 'tuple another: inference 2.0.0'],
  ])(claim('T20', 'is refused when %s declares nothing'), async (_, options, who) => {
    const { ok, step, opens } = await stepOf({ ...options, policy: asking(ACCEPTED) })
    expect({ ok, opens, status: step.status }).toEqual({ ok: false, opens: false, status: 'fail' })
    expect(step.reason).toBe(`${who} declares no data use`)
  })

  test(claim('T20', 'of a room is what contracts say, and a policy sees what it does besides'), async () => {
    expect(await stepOf(withAnother('room', BY_CONTRACT))).toMatchObject({
      ok: true,
      step: {
        status: 'pass',
        found:
          'transcription; nothing kept; no training; in rooms what contracts of its owners say; nothing else; nothing kept; no training',
      },
    })
    const { ok, step } = await stepOf(withAnother('room', { ...BY_CONTRACT, training: true }))
    expect([ok, step.reason]).toEqual([false, 'tuple another: room 2.0.0 trains on content'])
  })

  test(claim('T20', 'by contract is for rooms to declare, and nothing else is for them'), async () => {
    for (const options of [withAnother('room', NO_CONTENT), withAnother('inference', BY_CONTRACT)]) {
      const { bundle, policy, now } = await createWorld(options)
      const { ok, steps } = verifyTrustBundle(bundle, parseTrustPolicy(policy), { now }).verdict
      const failed = steps.find(({ status }) => status === 'fail')
      expect([ok, failed?.name, failed?.reason]).toMatchObject([
        false,
        'kms.release-logged',
        expect.stringMatching(/a room, and nothing else, declares that it uses content by contract/),
      ])
    }
  })

  test('nothing has to be declared where no policy asks', async () => {
    const { policy: _asking, ...options } = withAnother('room', undefined)
    expect((await stepOf({ ...options, release: (statement) => statement })).ok).toBe(true)
  })
})

test('a policy asks for the step exactly where it says what it accepts', async () => {
  const { policy } = await createWorld()
  const malformed = expect.objectContaining({ code: 'POLICY_MALFORMED' }) as Error
  expect(() => parseTrustPolicy({ ...policy, dataUse: ACCEPTED })).toThrowError(malformed)
  const require = [...policy.require, 'keys.data-use'] as TrustPolicy['require']
  expect(() => parseTrustPolicy({ ...policy, require })).toThrowError(malformed)
  expect(() =>
    parseTrustPolicy({ ...asking(ACCEPTED)(policy), dataUse: { ...ACCEPTED, tasks: ['spying'] } }),
  ).toThrowError(malformed)
})
