import type { Contract } from '@sotto/protocol/contract'
import { describe, expect, it } from 'vitest'
import { bankAndRetailer, everything, summaries } from '../../../../protocol/test/contract/contracts.ts'
import { banks, open } from '../../../../protocol/test/contract/trainings.ts'
import { RUN_CHECKS } from '../../../src/rooms/audit/run-checks.ts'
import { runOf, type Run, wrongIn } from './facts.ts'

function unprotected(contract: Contract): void {
  for (const { rules } of contract.inputs) Object.assign(rules, { minContributors: 1, noisy: false })
}

/** A party's graph, whose weights are trained. */
function ofGraph(): Contract {
  const digest = '11'.repeat(32)
  const task = open((one) => (one.recipe = { kind: 'graph', model: 'net', digest, output: 'logits' }))
  return banks(task, (contract) => {
    unprotected(contract)
    const [north] = contract.inputs
    const { columns: _, ...net } = { ...north!, name: 'net', kind: 'model' as const }
    contract.inputs.push({ ...net, rules: { ...net.rules, forbidden: [], minContributors: 1, noisy: false } })
    delete contract.inputs.at(-1)!.rules.contributor
    contract.transforms[0]!.reads.push('net')
  })
}

describe('the checks of one run', () => {
  it.each([
    ['a query', runOf(bankAndRetailer(), 'offers')],
    ['a query with noise', runOf(bankAndRetailer(), 'spending')],
    ['a model', runOf(summaries(), 'summarise')],
    ['several steps of every kind', runOf(everything(), 'packed')],
    ['a training with a guarantee', runOf(banks(), 'learn')],
    ['a training without one', runOf(banks(open(), unprotected), 'learn')],
    ['a training of a graph', runOf(ofGraph(), 'learn')],
  ])('find nothing wrong with %s', (_, run) => {
    expect(wrongIn(run)).toEqual([])
  })

  it.each<[what: string, wrong: string[], change: (run: Run) => void]>([
    ['another program', ['run.room'], ({ receipt }) => void (receipt.image = '00'.repeat(32))],
    ['a charge that is missing', ['run.charges'], ({ receipt }) => void receipt.charges.pop()],
    [
      'a charge that came twice',
      ['run.charges'],
      ({ receipt }) => void receipt.charges.push(receipt.charges[0]!),
    ],
    [
      'less privacy than was spent',
      ['run.charges'],
      ({ receipt }) => void (receipt.charges[0]!.epsilonMicros = 1),
    ],
    [
      'privacy that was not spent',
      ['run.charges'],
      ({ receipt }) => void (receipt.charges[1]!.epsilonMicros = 1),
    ],
    [
      'another sealed file',
      ['run.inputs'],
      ({ predicate }) => void (predicate.inputs[0]!.artifact = '0f'.repeat(16)),
    ],
    [
      'another content',
      ['run.inputs'],
      ({ predicate }) => void (predicate.inputs[0]!.content = '0f'.repeat(32)),
    ],
    ['inputs in another order', ['run.inputs'], ({ predicate }) => void predicate.inputs.reverse()],
    [
      'a task of another kind',
      ['run.steps'],
      ({ predicate }) => void (predicate.steps[0]!.kind = 'container'),
    ],
    ['another task', ['run.tasks'], ({ predicate }) => void (predicate.steps[0]!.task = '00'.repeat(32))],
    [
      'a step too many',
      ['run.steps', 'run.tasks'],
      ({ predicate }) => void predicate.steps.push({ ...predicate.steps[0]!, transform: 'more' }),
    ],
    [
      'a model where none is',
      ['run.models'],
      ({ predicate }) => void (predicate.inputs[0]!.model = '11'.repeat(32)),
    ],
    [
      'a receiver too many',
      ['run.receivers'],
      ({ outputs }) => void outputs[0]!.keys.push({ party: 'retailer', enc: '', wrapped: '' }),
    ],
    ['another receiver', ['run.receivers'], ({ outputs }) => void (outputs[0]!.keys[0]!.party = 'retailer')],
    ['no receiver', ['run.receivers'], ({ outputs }) => void (outputs[0]!.keys = [])],
    [
      'an output that the contract does not have',
      ['run.receivers', 'run.sizes'],
      ({ outputs }) => void (outputs[0]!.output = 'other'),
    ],
    ['an output too large', ['run.sizes'], ({ outputs }) => void (outputs[0]!.bytes = 2 ** 20 + 1)],
    [
      'a release before the contract',
      ['run.times'],
      ({ receipt, named }) => void (receipt.issuedAt = named.contract.notBefore - 61),
    ],
    [
      'a release after the offer',
      ['run.times'],
      ({ receipt, facts }) => void (receipt.issuedAt = facts.proof.offered.offer.notAfter + 60),
    ],
    [
      'a proof from before the run',
      ['run.times'],
      ({ receipt, facts }) => void (facts.proof.at = receipt.issuedAt - 61),
    ],
    ['an end before the beginning', ['run.times'], ({ predicate }) => void (predicate.finishedAt = 1)],
  ])('find %s', (_, wrong, change) => {
    const run = runOf(bankAndRetailer(), 'spending')
    change(run)
    expect(wrongIn(run)).toEqual(wrong)
  })

  it.each<[what: string, wrong: string, change: (run: Run) => void]>([
    ['another model', 'run.models', ({ predicate }) => void (predicate.inputs[1]!.model = '00'.repeat(32))],
    ['a model that is not told', 'run.models', ({ predicate }) => void delete predicate.inputs[1]!.model],
    ['a passage too long', 'run.words', ({ predicate }) => void (predicate.steps[0]!.commonWords = 9)],
    [
      'a passage that nobody counted',
      'run.words',
      ({ predicate }) => void delete predicate.steps[0]!.commonWords,
    ],
  ])('find %s of a run with a model', (_, wrong, change) => {
    const run = runOf(summaries(), 'summarise')
    change(run)
    expect(wrongIn(run)).toEqual([wrong])
  })

  it.each<[what: string, wrong: string[], change: (run: Run) => void]>([
    [
      'another guarantee',
      ['run.training'],
      ({ predicate }) => void (predicate.steps[0]!.training!.epsilonMicros! += 1),
    ],
    [
      'another delta',
      ['run.training'],
      ({ predicate }) => void (predicate.steps[0]!.training!.deltaTrillionths! += 1),
    ],
    [
      'a guarantee that is not told',
      ['run.training'],
      ({ predicate }) => void delete predicate.steps[0]!.training,
    ],
    [
      'a delta that was not charged',
      ['run.charges'],
      ({ receipt }) => void delete receipt.charges[0]!.deltaTrillionths,
    ],
  ])('find %s of a training', (_, wrong, change) => {
    const run = runOf(banks(), 'learn')
    change(run)
    expect(wrongIn(run)).toEqual(wrong)
  })

  it('find another graph than the contract pins', () => {
    const run = runOf(ofGraph(), 'learn')
    run.predicate.inputs.at(-1)!.model = '00'.repeat(32)
    expect(wrongIn(run)).toEqual(['run.models'])
  })

  it('find charges of a run that goes on with one that was charged', () => {
    const run = runOf(banks(), 'learn')
    run.facts.proof.offered.offer.resumes = 'ab'.repeat(32)
    expect(wrongIn(run)).toEqual(['run.charges'])
    run.receipt.charges = []
    expect(wrongIn(run)).toEqual([])
  })

  it('accept the longest passage that the contract lets out, and charges in any order', () => {
    const letters = runOf(summaries(), 'summarise')
    letters.predicate.steps[0]!.commonWords = 8
    const offers = runOf(bankAndRetailer(), 'offers')
    offers.receipt.charges.reverse()
    expect([...wrongIn(letters), ...wrongIn(offers)]).toEqual([])
  })

  it('have these names, which others rely on', () => {
    expect(RUN_CHECKS.map(({ name }) => name)).toEqual([
      'run.room',
      'run.charges',
      'run.inputs',
      'run.steps',
      'run.tasks',
      'run.models',
      'run.receivers',
      'run.sizes',
      'run.words',
      'run.training',
      'run.times',
    ])
  })
})
