import { describe, expect, test } from 'vitest'
import { NO_CONTENT } from '@sotto/protocol/data-use'
import type { ReleasedApp, ReleaseStatement } from '@sotto/protocol/keyrelease'
import { createWorld, type WorldOptions } from '@sotto/testkit'
import {
  parseTrustPolicy,
  type Step,
  type TrustPolicy,
  type Verdict,
  verifyTrustBundle,
} from '@sotto/verifier'
import { claim } from '../../../../test/claims.ts'

const APP: ReleasedApp = { name: 'summaries', sha256: 'a9'.repeat(32) }
const OTHER = 'b7'.repeat(32)

const running =
  (app: ReleasedApp | undefined) =>
  (statement: ReleaseStatement): ReleaseStatement =>
    statement.predicate.role === 'kms' || app === undefined
      ? statement
      : { ...statement, predicate: { ...statement.predicate, app } }
const naming =
  (...apps: string[]) =>
  (policy: TrustPolicy): TrustPolicy => ({ ...policy, apps, require: [...policy.require, 'keys.app'] })

async function judge(options: WorldOptions): Promise<{ verdict: Verdict; step: Step; opens: boolean }> {
  const { bundle, policy, now } = await createWorld(options)
  const { verdict, service } = verifyTrustBundle(bundle, parseTrustPolicy(policy), { now })
  const step = verdict.steps.find(({ name }) => name === 'keys.app')!
  return { verdict, step, opens: service !== undefined }
}

describe('the app that a workload runs', () => {
  test(claim('T20.app', 'passes where the policy names it, and is shown'), async () => {
    const { verdict, step } = await judge({ release: running(APP), policy: naming(OTHER, APP.sha256) })
    expect({ ok: verdict.ok, step }).toMatchObject({
      ok: true,
      step: { status: 'pass', required: true, found: `summaries ${APP.sha256}` },
    })
    expect(verdict.trustedParties).toContain(`the app summaries ${APP.sha256}, which sees requests`)
  })

  test.each<[string, ReleasedApp | undefined, WorldOptions['policy'], string]>([
    ['the policy names no app', APP, undefined, 'runs an app that the policy does not name'],
    ['the policy names another app', APP, naming(OTHER), 'runs an app that the policy does not name'],
    ['none runs, and the policy names one', undefined, naming(APP.sha256), 'runs no app'],
  ])(claim(['T20.app', 'chain.nothing-sent'], 'is refused when %s'), async (_, app, policy, reason) => {
    const { verdict, step, opens } = await judge({ release: running(app), ...(policy && { policy }) })
    expect({ ok: verdict.ok, opens, status: step.status }).toEqual({
      ok: false,
      opens: false,
      status: 'fail',
    })
    expect(step.reason).toBe(`tuple inference: inference 1.0.0 ${reason}`)
    expect(step.found).toBe(app === undefined ? 'no app' : `summaries ${APP.sha256}`)
  })

  test(
    claim('T20.app', 'is refused by a policy from before there were apps, whatever it accepts as data use'),
    async () => {
      const dataUse = { tasks: ['embedding' as const], retentionSeconds: 0, training: false }
      const { verdict, step } = await judge({
        release: (statement) =>
          statement.predicate.role === 'kms'
            ? { ...statement, predicate: { ...statement.predicate, dataUse: NO_CONTENT } }
            : { ...statement, predicate: { ...statement.predicate, dataUse, app: APP } },
        policy: (policy) => ({
          ...policy,
          dataUse: { tasks: ['embedding'], maxRetentionSeconds: 0, training: false },
          require: [...policy.require, 'keys.data-use'],
        }),
      })
      expect(verdict.ok).toBe(false)
      expect(verdict.steps.find(({ name }) => name === 'keys.data-use')).toMatchObject({ status: 'pass' })
      expect(step).toMatchObject({ status: 'fail', required: false, expected: 'no app' })
    },
  )

  test('is skipped, with the reason, where none runs and the policy names none', async () => {
    const { verdict, step } = await judge({})
    expect({ ok: verdict.ok, step }).toMatchObject({
      ok: true,
      step: { status: 'skipped', reason: 'no release runs an app, and the policy names none' },
    })
    expect(verdict.trustedParties.join()).not.toContain('app')
  })

  test.each<[string, Partial<ReleaseStatement['predicate']>]>([
    ['a KMS with an app', { role: 'kms', app: APP }],
    [
      'an app beside a declaration that content is used for nothing',
      { role: 'inference', app: APP, dataUse: { tasks: [], retentionSeconds: 0, training: false } },
    ],
  ])(claim('T20.app', 'makes no release of %s'), async (_, { role, ...change }) => {
    const { verdict } = await judge({
      release: (statement) =>
        statement.predicate.role === role
          ? { ...statement, predicate: { ...statement.predicate, ...change } }
          : statement,
      policy: naming(APP.sha256),
    })
    expect(verdict.ok).toBe(false)
    const [first] = verdict.steps.filter(({ status }) => status === 'fail')
    expect(first!.name).toBe('kms.release-logged')
  })

  test('is revoked by the digest of its code', async () => {
    const { verdict } = await judge({
      release: running(APP),
      policy: (policy) => ({ ...naming(APP.sha256)(policy), revoked: [APP.sha256] }),
    })
    expect(verdict.steps.find(({ name }) => name === 'keys.policy-tuples')).toMatchObject({
      status: 'fail',
      found: APP.sha256,
    })
  })
})

describe('the apps of a policy', () => {
  const malformed = expect.objectContaining({ code: 'POLICY_MALFORMED' }) as Error

  test.each<[string, (policy: TrustPolicy) => unknown]>([
    ['apps without the step', (policy) => ({ ...policy, apps: [OTHER] })],
    ['the step without apps', (policy) => ({ ...naming(OTHER)(policy), apps: undefined })],
    ['no app', (policy) => naming()(policy)],
    ['17 apps', (policy) => naming(...Array.from({ length: 17 }, (_, i) => `${10 + i}`.repeat(32)))(policy)],
    ['an app twice', (policy) => naming(OTHER, OTHER)(policy)],
    ['an app by its name', (policy) => naming('summaries')(policy)],
    ['a digest in capital letters', (policy) => naming(OTHER.toUpperCase())(policy)],
    ['a short digest', (policy) => naming('b7')(policy)],
    ['a list of more than digests', (policy) => ({ ...naming(OTHER)(policy), apps: [APP] })],
    ['a text', (policy) => ({ ...naming(OTHER)(policy), apps: OTHER })],
  ])(claim('chain.required', 'are refused: %s'), async (_, change) => {
    const { policy } = await createWorld()
    expect(() => parseTrustPolicy(JSON.stringify(change(policy)))).toThrowError(malformed)
  })

  test('are 1 to 16 digests', async () => {
    const { policy } = await createWorld()
    const digests = Array.from({ length: 16 }, (_, i) => `${10 + i}`.repeat(32))
    expect(parseTrustPolicy(JSON.stringify(naming(...digests)(policy))).apps).toEqual(digests)
  })
})
