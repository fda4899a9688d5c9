import type { Input, RunPlan, SqlTask, Transform } from '@sotto/protocol/contract'
import { describe, expect, it } from 'vitest'
import { policyOf } from '../../../src/room/sql/index.ts'

const RULES = { receivers: ['a'], forbidden: ['name'], minContributors: 5, noisy: false, review: false }
const SHOP: Input = {
  name: 'shop',
  owner: 'retailer',
  kind: 'table',
  columns: [{ name: 'customer', type: 'integer' }],
  uses: [{ transform: 'q', runs: 1 }],
  rules: { ...RULES, contributor: 'customer' },
}
const TASK: SqlTask = { kind: 'sql', templates: [], joinKeys: ['email'], maxRows: 10 }

function plan(
  reads: string[],
  inputs: Input[],
  over: Partial<RunPlan['rules']> = {},
  task: SqlTask = TASK,
): [RunPlan, Transform] {
  const transform: Transform = { name: 'q', reads, room: [], task }
  const run = {
    transforms: [transform],
    inputs,
    owners: [],
    reviewers: [],
    edges: [],
    outputs: [],
    room: [],
    rules: { ...RULES, ...over },
  }
  return [run, transform]
}

describe('the policy of a run', () => {
  it('has the tables that the transform reads, and the strictest rules', () => {
    const bank: Input = { ...SHOP, name: 'bank', owner: 'bank', rules: { ...RULES, minContributors: 7 } }
    expect(policyOf(...plan(['bank', 'shop'], [SHOP, bank], { forbidden: ['city', 'name'] }))).toEqual({
      tables: [
        { name: 'bank', owner: 'bank', columns: SHOP.columns },
        { name: 'shop', owner: 'retailer', columns: SHOP.columns, contributor: 'customer' },
      ],
      forbidden: ['city', 'name'],
      joinKeys: ['email'],
      minContributors: 7,
    })
  })

  it('has the noise of the task', () => {
    const noise = { epsilonMicros: 1, maxRowsPerContributor: 1, clip: { min: 0, max: 1 } }
    expect(policyOf(...plan(['shop'], [SHOP], { noisy: true }, { ...TASK, noise })).noise).toEqual(noise)
  })

  it('has results of transforms before, of which nobody is counted', () => {
    const columns = [{ name: 'n', type: 'integer' }] as const
    const policy = policyOf(...plan(['step'], [SHOP]), new Map([['step', columns]]))
    expect(policy).toMatchObject({ tables: [{ name: 'step', owner: 'step', columns }], minContributors: 1 })
  })

  it('is not there for what nobody made', () => {
    expect(() => policyOf(...plan(['shop', 'other'], [SHOP]))).toThrow(
      expect.objectContaining({ code: 'ROOM_SQL_REFUSED' }),
    )
  })

  it('is not there without the noise that an owner asks for', () => {
    const noisy = { ...SHOP, rules: { ...SHOP.rules, noisy: true } }
    expect(() => policyOf(...plan(['shop'], [noisy]))).toThrow(TypeError)
  })
})
