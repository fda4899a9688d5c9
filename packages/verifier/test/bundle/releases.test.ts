import type { Component } from '@sotto/protocol/keyrelease'
import { describe, expect, it } from 'vitest'
import { createWorld } from '@sotto/testkit'
import { claim } from '../../../../test/claims.ts'
import { failed, verify } from './bundle-steps.ts'

describe('release statements', () => {
  it(claim('T2', 'of another platform cover nothing, whatever digest they name'), async () => {
    const world = await createWorld({
      release: (statement) => ({
        ...statement,
        predicate: {
          ...statement.predicate,
          evidence: asHardware([statement.predicate.evidence])[0]!,
        },
      }),
    })
    expect(failed(verify(world))).toEqual(['kms.measurement', 'keys.policy-tuples'])
  })

  it('of another role cover nothing', async () => {
    const world = await createWorld({
      release: (statement) => ({
        ...statement,
        predicate: { ...statement.predicate, role: statement.predicate.role === 'kms' ? 'inference' : 'kms' },
      }),
    })
    expect(failed(verify(world))).toEqual(['kms.measurement', 'keys.policy-tuples'])
  })

  it(claim('T2', 'revoke a measurement under every version they gave it'), async () => {
    const world = await createWorld({
      policy: (policy) => ({ ...policy, revoked: ['a1'.repeat(32) + '00'.repeat(16)] }),
    })
    expect(failed(verify(world))).toEqual(['kms.measurement'])
  })
})

describe('a tuple for hardware', () => {
  it(
    claim('T10', 'is never accepted on the word of a software release, also in a policy nobody parsed'),
    async () => {
      const world = await createWorld({
        keyPolicy: (keyPolicy) => ({
          ...keyPolicy,
          anyOf: keyPolicy.anyOf.map((tuple) => ({ ...tuple, allOf: asHardware(tuple.allOf) })),
        }),
        release: (statement) =>
          statement.predicate.role === 'kms'
            ? statement
            : {
                ...statement,
                predicate: {
                  ...statement.predicate,
                  evidence: asHardware([statement.predicate.evidence])[0]!,
                },
              },
        policy: (policy) => ({
          ...policy,
          platforms: [...policy.platforms, { name: 'milan', allOf: [{ family: 'sev-snp' }] }],
        }),
      })
      expect(failed(verify(world))).toEqual(['keys.policy-tuples'])
    },
  )
})

/** The same program, as a processor of AMD would report it. */
function asHardware(allOf: readonly Component[]): Component[] {
  return allOf.map(({ roots: _roots, ...pins }) => ({ ...pins, family: 'sev-snp' }))
}
