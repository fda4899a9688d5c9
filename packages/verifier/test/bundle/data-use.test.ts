import { describe, expect, test } from 'vitest'
import { type AcceptedDataUse, DATA_TASKS, type DataUse } from '@sotto/protocol/data-use'
import type { ReleaseStatement } from '@sotto/protocol/keyrelease'
import { createWorld, type WorldOptions } from '@sotto/testkit'
import { parseTrustPolicy, type Step, type TrustPolicy, verifyTrustBundle } from '@sotto/verifier'
import { claim } from '../../../../test/claims.ts'

const DECLARED: DataUse = { tasks: ['transcription'], retentionSeconds: 0, training: false }
const ACCEPTED: AcceptedDataUse = { tasks: [...DATA_TASKS], maxRetentionSeconds: 0, training: false }

const declaring =
  (dataUse: DataUse | undefined) =>
  (statement: ReleaseStatement): ReleaseStatement =>
    statement.predicate.role === 'kms' || dataUse === undefined
      ? statement
      : { ...statement, predicate: { ...statement.predicate, dataUse } }
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
    const release = (statement: ReleaseStatement): ReleaseStatement => ({
      ...statement,
      predicate: { ...statement.predicate, dataUse: DECLARED },
    })
    expect((await stepOf({ release, policy: asking(ACCEPTED) })).ok).toBe(false)
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
