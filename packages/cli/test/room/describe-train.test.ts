import type { JudgedOffer, RoomRun } from '@sotto/client/rooms'
import {
  type Contract,
  type ContractView,
  planRun,
  remaining,
  type RunOffer,
  type TrainTask,
} from '@sotto/protocol/contract'
import { describe, expect, it } from 'vitest'
import {
  describeContract,
  describeLeft,
  describeRun,
  showDelta,
  showEpsilon,
  showPrivacy,
} from '../../src/room/describe/index.ts'
import { named, offerOf } from '../../../protocol/test/contract/contracts.ts'
import { banks, PRIVACY } from '../../../protocol/test/contract/trainings.ts'
import { contractIn } from './drafts.ts'
import { changedLeaves } from './changed-leaves.ts'
import { trainingDraft } from './training-drafts.ts'

function words(contract: Contract): string {
  return describeContract({ contract, digest: '0' }).join('\n')
}

const PRIVATE = { epsilon: 3, noise: 1.5, delta: 1e-5, contributors: 20_000 }
const FORMS: [string, Record<string, unknown>][] = [
  ['with a guarantee', { privacy: PRIVATE, validation: 0.2, metrics_epsilon: 0.5 }],
  ['of several layers', { recipe: { mlp: { hidden: [16, 8] } }, optimiser: 'sgd', validation: 0.2 }],
  ['of trees', { recipe: 'gbdt' }],
  ['that stops early', { validation: 0.2, stop_early: { every: 50, patience: 3 } }],
  ["of a party's graph", { recipe: { graph: { model: 'net', digest: '11'.repeat(32), output: 'logits' } } }],
]

describe('a training in words', () => {
  it.each(FORMS)('changes with each of its members: %s', (_what, train) => {
    const { contract } = contractIn(trainingDraft({ train }))
    const text = words(contract)
    const changed = changedLeaves(contract)
    expect(changed.length).toBeGreaterThan(40)
    expect(changed.filter(({ value }) => words(value) === text).map(({ path }) => path)).toEqual([])
  })

  it('says who is protected, how much, and what it costs', () => {
    const { contract } = contractIn(
      trainingDraft({ train: { privacy: PRIVATE, validation: 0.2, metrics_epsilon: 0.5 } }),
    )
    const text = words(contract)
    expect(text).toContain(
      'each contributor of payments (told by customer) is protected with epsilon 3 at delta 1e-5 a run',
    )
    expect(text).toContain('each row of returns (nothing says whose it is) is protected with epsilon 3')
    expect(text).toContain('logistic regression')
    expect(text).toContain('these figures have noise: epsilon 0.5 a run')
    expect(text).toContain('fraud: 1 run, epsilon 3.5 at delta 1e-5 in all')
    expect(text).toContain('model (model) of fraud')
    expect(text).toContain('figures (metrics) of fraud')
  })

  it('says that nothing is guaranteed where nothing is', () => {
    const text = words(contractIn(trainingDraft({ train: { validation: 0.2 } })).contract)
    expect(text).toContain('no guarantee of privacy: the model may tell of single rows of payments, returns')
    expect(text).toContain('these figures are exact')
    expect(text).not.toContain('epsilon')
  })

  it('calls a regression what its label makes it', () => {
    const task = (label: TrainTask['data']['label']): string => {
      const { contract } = contractIn(trainingDraft({}))
      const [transform] = contract.transforms
      if (transform?.task.kind !== 'train') throw new Error('no training')
      transform.task.data.label = label
      return words(contract)
    }
    const values = ['a', 'b', 'c']
    expect(task({ kind: 'category', column: 'fraud', values })).toContain('softmax regression')
    expect(task({ kind: 'number', column: 'fraud', min: 0, max: 9, decimals: 0 })).toContain(
      'linear regression',
    )
  })
})

describe('a contract with a training of every kind of member', () => {
  it('changes with each of them', () => {
    const contract = banks()
    const text = words(contract)
    const changed = changedLeaves(contract)
    expect(changed.length).toBeGreaterThan(60)
    expect(changed.filter(({ value }) => words(value) === text).map(({ path }) => path)).toEqual([])
  })
})

describe('a run of a training in words', () => {
  const one = named(banks())
  const wordsOf = (change: Partial<RunOffer>): string => {
    const offer = { ...offerOf(one, 'learn'), ...change }
    const judged = {
      run: 'ab'.repeat(32),
      plan: planRun(one.contract, 'learn'),
      room: { tuple: 'room', hardware: ['a machine'], images: [] },
      steps: [],
    } as unknown as JudgedOffer
    const run = { run: judged.run, by: 'bank', offered: { offer } } as unknown as RoomRun
    const left = remaining(one.contract, [])
    return describeRun(one, run, judged, { left, data: [] } as unknown as ContractView).join('\n')
  }

  it('says what it costs of what is left, delta beside epsilon, and which part is for whom', () => {
    const text = wordsOf({})
    const price = `epsilon ${showEpsilon(PRIVACY.epsilonMicros)} at delta 1e-5`
    expect(text).toContain(`north for learn: 1 run and ${price} of 2 left, epsilon 20 at delta 5e-5 left`)
    expect(text).toContain('public for learn: 1 run of 2 left')
    expect(text).toContain('figures (metrics), at most')
  })

  it('says which one it goes on with, and that nothing more is charged', () => {
    const text = wordsOf({ resumes: 'cd'.repeat(32) })
    expect(text).toContain(`nothing more: it goes on with the run ${'cd'.repeat(32)}, which was charged`)
    expect(text).not.toContain('1 run and')
  })
})

describe('budgets of privacy', () => {
  it('are shown with their delta', () => {
    const left = [
      {
        input: 'payments',
        transform: 'fraud',
        runs: 1,
        epsilonMicros: 3_000_000,
        deltaTrillionths: 10_000_000,
      },
      { input: 'returns', transform: 'fraud', runs: 2 },
    ]
    expect(describeLeft({ left })).toEqual([
      'payments for fraud: 1 run and epsilon 3 at delta 1e-5 left',
      'returns for fraud: 2 runs left',
    ])
  })

  it.each([
    [1, '1e-12'],
    [10_000_000, '1e-5'],
    [12_345_678, '1.2345678e-5'],
    [500_000_000_000, '5e-1'],
    [1_000_000_000_000, '1'],
    [0, '0'],
  ])('%i trillionths are %s', (trillionths, shown) => {
    expect(showDelta(trillionths)).toBe(shown)
    expect(Number(shown)).toBeCloseTo(trillionths / 1e12, 15)
  })

  it('of noise without a delta have none', () => {
    expect(showPrivacy({ epsilonMicros: 500_000 })).toBe('epsilon 0.5')
  })
})
