import { describe, expect, it } from 'vitest'
import { bankAndRetailer } from '../../../../protocol/test/contract/contracts.ts'
import { spentBy } from '../../../src/rooms/audit/sums.ts'
import { TOGETHER_CHECKS, type TogetherFacts } from '../../../src/rooms/audit/together-checks.ts'
import type { AuditedRun } from '../../../src/rooms/audit/types.ts'
import { runOf } from './facts.ts'

/** The n-th run as an audit knows it. */
function audited(sequence: number, change: Partial<AuditedRun> = {}): AuditedRun {
  const { receipt, predicate } = runOf(bankAndRetailer(), 'offers')
  return {
    proof: sequence - 1,
    run: `${sequence}`.padStart(64, '0'),
    sequence,
    at: receipt.issuedAt + sequence,
    startedAt: predicate.startedAt,
    finishedAt: predicate.finishedAt,
    transform: 'offers',
    arguments: [],
    image: receipt.image,
    evidence: receipt.evidence,
    tuple: receipt.tuple,
    hardware: receipt.hardware,
    software: true,
    charges: receipt.charges,
    inputs: predicate.inputs,
    steps: predicate.steps,
    outputs: [],
    ...change,
  }
}

function factsOf(runs: AuditedRun[], change: Partial<TogetherFacts> = {}): TogetherFacts {
  const { facts } = runOf(bankAndRetailer(), 'offers')
  const { proof } = facts
  return {
    contract: bankAndRetailer(),
    facts: runs.map((run) => {
      const keys = { wrapKey: `wrap ${run.run}`, receiptKey: `receipt ${run.run}` }
      const offered = { ...proof.offered, offer: { ...proof.offered.offer, ...keys } }
      return { ...facts, proof: { ...proof, offered }, run }
    }),
    runs,
    spent: [],
    gaps: [],
    ...change,
  }
}

function wrongIn(facts: TogetherFacts): string[] {
  return TOGETHER_CHECKS.filter(({ findWrong }) => findWrong(facts) !== undefined).map(({ name }) => name)
}

describe('the checks of all runs together', () => {
  it('find nothing wrong with runs as they should be', () => {
    expect(wrongIn(factsOf([audited(1), audited(2), audited(3)]))).toEqual([])
  })

  it('find that there are none, and that some are not here, and call neither a failure', () => {
    expect(wrongIn(factsOf([]))).toEqual(['runs.present'])
    expect(wrongIn(factsOf([audited(2)], { gaps: [{ from: 1, to: 1 }] }))).toEqual(['runs.complete'])
    const missing = TOGETHER_CHECKS.filter(({ otherwise }) => otherwise === 'missing')
    expect(missing.map(({ name }) => name)).toEqual(['runs.present', 'runs.complete'])
  })

  it('find a number that came twice, and time that went back', () => {
    expect(wrongIn(factsOf([audited(1), audited(1, { run: 'ff'.repeat(32) })]))).toEqual(['runs.sequence'])
    expect(wrongIn(factsOf([audited(1), audited(2, { at: audited(1).at - 61 })]))).toEqual(['runs.order'])
    expect(wrongIn(factsOf([audited(1), audited(2, { at: audited(1).at - 60 })]))).toEqual([])
  })

  it('find keys that two runs share', () => {
    const facts = factsOf([audited(1), audited(2)])
    facts.facts[1]!.proof.offered.offer.wrapKey = facts.facts[0]!.proof.offered.offer.wrapKey
    expect(wrongIn(facts)).toEqual(['runs.keys'])
  })

  it('do not take one run that came twice for two that share keys', () => {
    const run = audited(1)
    const facts = factsOf([run])
    expect(wrongIn({ ...facts, facts: [...facts.facts, ...facts.facts] })).toEqual(['runs.unique'])
  })

  it('find a sealed file that was another one in another run', () => {
    const [first, ...rest] = audited(1).inputs
    const swapped = audited(2, { inputs: [{ ...first!, content: '00'.repeat(32) }, ...rest] })
    expect(wrongIn(factsOf([audited(1), swapped]))).toEqual(['runs.artifacts'])
  })

  it('find a training of which two results left, and charge each training once', () => {
    const [began, resumed, again] = [
      audited(1),
      audited(2, { resumes: audited(1).run }),
      audited(3, { resumes: audited(1).run }),
    ]
    for (const runs of [
      [began, resumed],
      [resumed, again],
    ])
      expect(wrongIn(factsOf(runs))).toEqual(['runs.trainings'])
    expect(wrongIn(factsOf([resumed, audited(3)]))).toEqual([])
    const once = spentBy(bankAndRetailer(), [began])
    expect(once.length).toBeGreaterThan(0)
    // The run that began it has no proof: its result never left.
    for (const runs of [[resumed], [began, resumed], [resumed, again]])
      expect(spentBy(bankAndRetailer(), runs)).toEqual(once)
    const twice = spentBy(bankAndRetailer(), [resumed, audited(3)])
    expect(twice.map(({ runs }) => runs)).toEqual(once.map(({ runs }) => 2 * runs))
  })

  it('find what is over a budget, to the last run and the last millionth', () => {
    const edge = { input: 'customers', transform: 'spending' }
    const within = { ...edge, runs: 100, epsilonMicros: 2_000_000 }
    expect(wrongIn(factsOf([audited(1)], { spent: [within] }))).toEqual([])
    expect(wrongIn(factsOf([audited(1)], { spent: [{ ...within, runs: 101 }] }))).toEqual(['budgets.runs'])
    const paid = { ...within, epsilonMicros: 2_000_001 }
    expect(wrongIn(factsOf([audited(1)], { spent: [paid] }))).toEqual(['budgets.epsilon'])
    const uncertain = { ...within, deltaTrillionths: 1 }
    expect(wrongIn(factsOf([audited(1)], { spent: [uncertain] }))).toEqual(['budgets.epsilon'])
    const unpaid = { input: 'purchases', transform: 'spending', runs: 1, epsilonMicros: 1 }
    expect(wrongIn(factsOf([audited(1)], { spent: [unpaid] }))).toEqual(['budgets.epsilon'])
    const unknown = { input: 'purchases', transform: 'other', runs: 1, epsilonMicros: 0 }
    expect(wrongIn(factsOf([audited(1)], { spent: [unknown] }))).toEqual(['budgets.runs'])
  })

  it('have these names, which others rely on', () => {
    expect(TOGETHER_CHECKS.map(({ name }) => name)).toEqual([
      'runs.present',
      'runs.unique',
      'runs.sequence',
      'runs.order',
      'runs.complete',
      'runs.keys',
      'runs.artifacts',
      'runs.trainings',
      'budgets.runs',
      'budgets.epsilon',
    ])
  })
})
