import { describe, expect, it } from 'vitest'
import {
  bankAndRetailer,
  everything,
  named,
  summaries,
} from '../../../../protocol/test/contract/contracts.ts'
import { banks } from '../../../../protocol/test/contract/trainings.ts'
import { buildGraph } from '../../../src/rooms/audit/index.ts'
import { budgetWords } from '../../../src/rooms/audit/words.ts'

describe('the graph of a contract', () => {
  it('has a mark for each party, and each input with its owner and what was spent of it in all', () => {
    const spent = [
      { input: 'customers', transform: 'spending', runs: 3, epsilonMicros: 1_500_000 },
      { input: 'customers', transform: 'offers', runs: 1, epsilonMicros: 0 },
    ]
    const graph = buildGraph(named(bankAndRetailer()), { runs: [], spent })
    expect(graph.parties).toEqual([
      { name: 'bank', mark: 0 },
      { name: 'retailer', mark: 1 },
    ])
    expect(graph.inputs).toMatchObject([
      { name: 'customers', owner: 'bank', kind: 'table', epsilonMicros: 1_500_000 },
      { name: 'purchases', owner: 'retailer', epsilonMicros: 0 },
    ])
    expect(graph.transforms[1]!.budgets).toEqual([
      {
        input: 'customers',
        owner: 'bank',
        isDirect: true,
        runs: 100,
        spentRuns: 3,
        epsilonMicros: 2_000_000,
        spentEpsilonMicros: 1_500_000,
      },
      {
        input: 'purchases',
        owner: 'retailer',
        isDirect: true,
        runs: 100,
        spentRuns: 0,
        spentEpsilonMicros: 0,
      },
    ])
  })

  it('has the delta of a training beside its epsilon', () => {
    const edge = { transform: 'learn', runs: 1, epsilonMicros: 3_000_000, deltaTrillionths: 10_000_000 }
    const spent = [
      { input: 'north', ...edge },
      { input: 'public', transform: 'learn', runs: 1, epsilonMicros: 0 },
    ]
    const { inputs, transforms } = buildGraph(named(banks()), { runs: [], spent })
    expect(inputs.map(({ deltaTrillionths }) => deltaTrillionths)).toEqual([
      10_000_000,
      undefined,
      undefined,
      undefined,
    ])
    const [learn] = transforms
    expect(learn!.does).toMatch(/^trains a multi-layer perceptron to tell fraud, ε [\d.]+, δ 1e-5$/)
    expect(learn!.budgets.map(budgetWords)).toEqual([
      '1 of 2 runs, ε 3 of 20, δ 1e-5 of 5e-5',
      '0 of 2 runs, ε 0 of 20, δ 0 of 5e-5',
      '1 of 2 runs',
      '0 of 2 runs',
    ])
  })

  it('puts each transform one layer after the last that it reads, and tells what reaches it through others', () => {
    const { transforms } = buildGraph(named(everything()), { runs: [], spent: [] })
    expect(transforms.map(({ name, layer, does }) => [name, layer, does])).toEqual([
      ['counts', 1, '1 approved query, noise of ε 0.5'],
      ['labelled', 1, 'classify with net'],
      ['shown', 2, 'WebAssembly module module'],
      ['packed', 3, 'container layers'],
    ])
    expect(transforms[2]!.budgets.map(({ input, isDirect }) => [input, isDirect])).toEqual([
      ['people', false],
      ['notes', false],
      ['net', false],
      ['module', true],
    ])
  })

  it('tells of each output whose data are in it, who looks at it, and which rules hold together', () => {
    const outputs = [{ output: 'summaries', digest: '00'.repeat(32), bytes: 1, receivers: ['reader'] }]
    const graph = buildGraph(named(summaries()), { runs: [{ transform: 'summarise', outputs }], spent: [] })
    expect(graph.outputs).toEqual([
      {
        name: 'summaries',
        from: 'summarise',
        receivers: ['reader'],
        maxBytes: 2 ** 20,
        rules: {
          receivers: ['reader'],
          forbidden: [],
          minContributors: 1,
          noisy: false,
          review: true,
          maxCommonWords: 8,
        },
        reviewers: ['archive'],
        owners: ['archive', 'modeller'],
        released: 1,
      },
    ])
    expect(graph.transforms[0]!.runs).toBe(1)
  })
})
