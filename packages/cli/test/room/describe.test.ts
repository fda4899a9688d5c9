import { fingerprint } from '@sotto/client/rooms'
import type { Party } from '@sotto/protocol/contract'
import { describe, expect, it } from 'vitest'
import { describeContract, showEpsilon, showTime } from '../../src/room/describe/index.ts'
import { changedLeaves } from './changed-leaves.ts'
import { bankAndRetailer, everything, named, summaries } from '../../../protocol/test/contract/contracts.ts'

const FREE = new Set(['format', 'salt', 'key', 'sealTo', 'kind'])

/** Every text that a contract says, but what nobody reads. */
function textsIn(value: unknown, member = ''): string[] {
  if (typeof value === 'string') return FREE.has(member) ? [] : value.split('\n')
  if (Array.isArray(value)) return value.flatMap((one) => textsIn(one, member))
  if (typeof value === 'object' && value !== null)
    return Object.entries(value).flatMap(([name, one]) => textsIn(one, name))
  return []
}

describe('a contract in words', () => {
  it.each([
    ['queries', bankAndRetailer()],
    ['a model', summaries()],
    ['everything', everything()],
  ])('leaves out nothing that the contract says: %s', (_what, contract) => {
    const text = describeContract(named(contract)).join('\n')
    for (const one of textsIn(contract)) expect(text).toContain(one)
    for (const party of contract.parties) expect(text).toContain(fingerprint(party))
    for (const { rules } of contract.inputs) {
      if (rules.minContributors > 1) expect(text).toContain(`at least ${rules.minContributors} contributors`)
      if (rules.maxCommonWords !== undefined) expect(text).toContain(`at most ${rules.maxCommonWords} words`)
    }
  })

  it('changes with everything that may change in it', () => {
    const words = (change: (contract: ReturnType<typeof bankAndRetailer>) => void): string => {
      const contract = structuredClone(bankAndRetailer())
      change(contract)
      return describeContract({ contract, digest: '0' }).join('\n')
    }
    const changes: Parameters<typeof words>[0][] = [
      () => {},
      (one) => (one.inputs[1]!.rules.review = false),
      (one) => (one.inputs[0]!.rules.noisy = true),
      (one) => (one.inputs[0]!.uses[1]!.epsilonMicros = 1_999_999),
      (one) => (one.inputs[0]!.uses[0]!.runs = 99),
      (one) => (one.outputs[0]!.maxBytes = 2 ** 21),
      (one) => (one.outputs[1]!.receivers = ['retailer']),
      (one) => (one.consent.telemetry = true),
      (one) => (one.consent.logging = false),
      (one) => (one.notAfter += 60),
      (one) => (one.notBefore -= 60),
      (one) => (one.genesis = 'ef'.repeat(32)),
      (one) => (one.parties[0]!.sealTo = one.parties[1]!.sealTo),
      (one) => (one.transforms[0]!.room = ['ef'.repeat(32)]),
      (one) => delete one.inputs[0]!.content,
    ]
    const texts = changes.map(words)
    expect(new Set(texts).size).toBe(changes.length)
  })

  it.each([
    ['queries', bankAndRetailer()],
    ['a model', summaries()],
    ['everything', everything()],
  ])('changes with each of its members but the salt: %s', (_what, contract) => {
    const words = (one: typeof contract): string =>
      describeContract({ contract: one, digest: '0' }).join('\n')
    const text = words(contract)
    const changed = changedLeaves(contract)
    expect(changed.length).toBeGreaterThan(20)
    expect(changed.filter(({ value }) => words(value) === text).map(({ path }) => path)).toEqual([])
  })

  it('says by which column contributors are told also where no figure needs several', () => {
    const contract = structuredClone(bankAndRetailer())
    const { rules } = contract.inputs[0]!
    Object.assign(rules, { minContributors: 1, contributor: 'customer' })
    const lines = describeContract({ contract, digest: '0' }).join('\n')
    expect(lines).toContain('told by the column customer')
  })

  it('keeps texts of others behind a mark, so that none looks like a line of its own', () => {
    const contract = structuredClone(bankAndRetailer())
    const { task } = contract.transforms[0]!
    if (task.kind !== 'sql') throw new Error('no query')
    task.templates[0]!.sql = 'SELECT 1\noutputs\n  nothing for nobody'
    const lines = describeContract({ contract, digest: '0' })
    expect(lines.filter((line) => line.trim() === 'outputs')).toEqual(['outputs'])
    expect(lines).toContain('      |   nothing for nobody')
  })

  it('says who is who, and for drafts that keys are not there yet', () => {
    const contract = bankAndRetailer()
    const own = describeContract(named(contract), { ownKey: contract.parties[1]!.key })
    expect(own.filter((line) => line.endsWith('(you)'))).toEqual([expect.stringMatching(/^ {2}retailer/)])
    const draft = describeContract(named(contract), { isDraft: true }).join('\n')
    expect(draft).not.toContain(fingerprint(contract.parties[0]!))
  })
})

describe('fingerprints', () => {
  it('are of both keys, and of no name', () => {
    const [bank, retailer] = bankAndRetailer().parties as [Party, Party]
    const all = [bank, retailer, { ...bank, sealTo: retailer.sealTo }, { ...bank, key: retailer.key }]
    expect(new Set(all.map(fingerprint)).size).toBe(4)
    expect(fingerprint(Object.assign({}, bank, { name: 'other' }))).toBe(fingerprint(bank))
    expect(fingerprint(bank)).toMatch(/^(?:[0-9a-f]{4} ){7}[0-9a-f]{4}$/)
  })
})

describe('amounts', () => {
  it('are shown exactly', () => {
    expect([1, 500_000, 2_000_000, 1_000_001, 1_000_000_000].map(showEpsilon)).toEqual([
      '0.000001',
      '0.5',
      '2',
      '1.000001',
      '1000',
    ])
    expect(showTime(1_800_000_000)).toBe('2027-01-15 08:00 UTC')
    expect(showTime(Number.MAX_SAFE_INTEGER)).toBe('no time')
  })
})
