import type { KeyReleasePolicy, ReleaseStatement } from '@sotto/protocol/keyrelease'
import { createWorld } from '@sotto/testkit'
import { describe, expect, it } from 'vitest'
import { claim } from '../../../../test/claims.ts'
import { failed, verify } from './bundle-steps.ts'

type Options = NonNullable<Parameters<typeof createWorld>[0]>

/** Evidence of the KMS release of the world, which every release of the world is shown to. */
async function kmsEvidence(): Promise<ReleaseStatement['predicate']['evidence']> {
  let found: ReleaseStatement['predicate']['evidence'] | undefined
  await createWorld({
    release: (statement) => {
      if (statement.predicate.role === 'kms') found = statement.predicate.evidence
      return statement
    },
  })
  return found!
}

/** A policy by which a KMS may take over: of the release in the log, or another. */
async function withKmsTuple(pins: object = {}): Promise<NonNullable<Options['keyPolicy']>> {
  const evidence = await kmsEvidence()
  return (policy: KeyReleasePolicy) => {
    const [first] = policy.anyOf
    const [component] = first!.allOf
    const allOf = [{ ...component!, ...evidence, ...pins }]
    return { ...policy, anyOf: [...policy.anyOf, { name: 'kms-next', role: 'kms', allOf }] }
  }
}

describe('a tuple of role kms', () => {
  it(claim('T15', 'is accepted as the KMS itself is, and is no workload that gets requests'), async () => {
    const world = await createWorld({ keyPolicy: await withKmsTuple() })
    const result = verify(world)
    expect(failed(result)).toEqual([])
    expect([...result.service!.workloads.keys()]).not.toContain('kms-next')
    expect(result.service!.workloads.size).toBe(1)
    expect(result.verdict.steps.find(({ name }) => name === 'keys.policy-tuples')!.found).toContain(
      'kms-next',
    )
  })

  it(
    claim(['T2', 'T15'], 'that no release covers is refused, and so is one on hardware nobody accepts'),
    async () => {
      const unknown = await createWorld({
        keyPolicy: await withKmsTuple({ measurements: ['dd'.repeat(48)] }),
      })
      expect(failed(verify(unknown))).toEqual(['keys.policy-tuples'])
      const elsewhere = await createWorld({ keyPolicy: await withKmsTuple({ roots: ['dd'.repeat(32)] }) })
      expect(failed(verify(elsewhere))).toEqual(['keys.policy-tuples'])
    },
  )

  it(claim('T15', 'falls with a revoked or outdated release of the KMS'), async () => {
    const outdated = await createWorld({
      keyPolicy: await withKmsTuple(),
      policy: (policy) => ({ ...policy, minSecurityVersion: { kms: 9, inference: 1 } }),
    })
    expect(failed(verify(outdated))).toEqual(['kms.measurement', 'keys.policy-tuples'])
  })

  it('is not enough: somebody has to hold the keys', async () => {
    const tuple = await withKmsTuple()
    const world = await createWorld({
      keyPolicy: (policy) => ({ ...policy, anyOf: tuple(policy).anyOf.filter(({ role }) => role === 'kms') }),
    })
    expect(failed(verify(world))).toEqual(['keys.policy-tuples'])
  })
})
