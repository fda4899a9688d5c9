import { beforeAll, describe, expect, it } from 'vitest'
import { createWorld, type World } from '@sotto/testkit'
import {
  ALWAYS_REQUIRED,
  refusingSteps,
  REQUIRED_BY_CHOICE,
  type StepName,
  verifyTrustBundle,
  type BundleContext,
  type BundleResult,
  type TrustPolicy,
} from '@sotto/verifier'
import { claim } from '../../../../test/claims.ts'

let world: World
beforeAll(async () => {
  world = await createWorld()
})

/** What differs between the five skippable steps: why each does not pass in this world. */
const operatorWitnesses = (policy: TrustPolicy): TrustPolicy => ({
  ...policy,
  witnesses: {
    ...policy.witnesses,
    allowOperatorWitnesses: true,
    keys: policy.witnesses.keys.map((key) => ({ ...key, operator: true })),
  },
})

const verify = (require: readonly string[], context: Partial<BundleContext> = {}): BundleResult =>
  verifyTrustBundle(world.bundle, operatorWitnesses({ ...world.policy, require: require as StepName[] }), {
    now: world.now,
    ...context,
  })

describe('the steps a policy requires', () => {
  it('are the steps of the verdict, no more and no fewer', () => {
    const { steps } = verify(ALWAYS_REQUIRED).verdict
    expect(new Set(steps.map(({ name }) => name))).toEqual(
      new Set([...ALWAYS_REQUIRED, ...REQUIRED_BY_CHOICE]),
    )
    expect(steps).toHaveLength(ALWAYS_REQUIRED.length + REQUIRED_BY_CHOICE.length)
    expect(steps.filter(({ required }) => required).map(({ name }) => name)).toEqual([...ALWAYS_REQUIRED])
  })

  it('leave the others skipped, and the bundle accepted', () => {
    const { verdict, service } = verify(ALWAYS_REQUIRED)
    expect(verdict.ok).toBe(true)
    expect(service).toBeDefined()
    expect(verdict.steps.filter(({ status }) => status === 'skipped').map(({ name }) => name)).toEqual([
      ...REQUIRED_BY_CHOICE,
    ])
    for (const { status, expected } of verdict.steps)
      if (status === 'skipped') expect(expected).toBeUndefined()
  })

  it.each(REQUIRED_BY_CHOICE)(claim('chain.required', 'refuse when they are skipped: %s'), (name) => {
    const { verdict, service } = verify([...ALWAYS_REQUIRED, name])
    expect([verdict.ok, service]).toEqual([false, undefined])
    expect(verdict.validUntil).toBe(world.now)
    expect(verdict.steps.find((step) => step.name === name)).toMatchObject({
      status: 'skipped',
      required: true,
      expected: 'required by the policy',
      reason: expect.any(String),
    })
    expect(refusingSteps(verdict.steps).map((step) => step.name)).toEqual([name])
  })

  it('accept once they pass', () => {
    const { checkpoint } = verify(ALWAYS_REQUIRED).service!
    const required = [...ALWAYS_REQUIRED, 'log.consistency']
    expect(verify(required, { lastCheckpoint: checkpoint }).verdict.ok).toBe(true)
    expect(verifyTrustBundle(world.bundle, world.policy, { now: world.now }).verdict.ok).toBe(true)
  })

  it('say so where they fail or could not be checked, and keep what they expected themselves', () => {
    const { verdict } = verify(ALWAYS_REQUIRED, { now: world.now + 3601 })
    expect(refusingSteps(verdict.steps).map(({ name }) => name)).toContain('log.witnesses')
    for (const { status, required, expected } of verdict.steps)
      if (required && status !== 'pass') expect(expected).toBeTruthy()
    expect(verdict.steps.find(({ name }) => name === 'log.witnesses')!.expected).toBe('at most 3600 s')
    expect(verdict.steps.find(({ name }) => name === 'kms.measurement')).toMatchObject({
      status: 'skipped',
      expected: 'required by the policy',
    })
  })

  it('do not excuse one that is not among them from failing', () => {
    const { checkpoint } = verify(ALWAYS_REQUIRED).service!
    const forked = { lastCheckpoint: { ...checkpoint, root: new Uint8Array(32) } }
    const { verdict } = verify(ALWAYS_REQUIRED, forked)
    expect(verdict.ok).toBe(false)
    expect(verdict.steps.find(({ name }) => name === 'log.consistency')).toMatchObject({
      status: 'fail',
      required: false,
    })
  })
})

describe('a policy that no parser saw', () => {
  it.each<[string, unknown]>([
    ['misspells a step', [...ALWAYS_REQUIRED, 'hardware.gpus']],
    ['forgets a step', ALWAYS_REQUIRED.slice(1)],
    ['requires nothing', []],
    ['has no list', undefined],
    ['has a text for a list', ALWAYS_REQUIRED.join(' ')],
  ])(claim('chain.required', 'is refused before anything is judged when it %s'), (_what, require) => {
    expect(() => verify(require as string[])).toThrow(
      expect.objectContaining({ code: 'POLICY_MALFORMED', action: 'fix-input' }),
    )
  })
})
