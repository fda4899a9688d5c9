import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { contractPhase, type ContractRecord, isConsented, requireInForce } from '@sotto/protocol/contract'
import { LATER, NOW, summaries } from './contracts.ts'

const code = (name: string): unknown => expect.objectContaining({ code: name })
const ALL = ['archive', 'reader', 'modeller']
const record = (change: Partial<ContractRecord> = {}): ContractRecord => ({
  contract: summaries(),
  accepted: ALL,
  closed: [],
  withdrawn: [],
  runs: 0,
  ...change,
})
const withdrawn = (consent: ContractRecord['withdrawn'][number]['consent']): Partial<ContractRecord> => ({
  withdrawn: [{ party: 'reader', consent }],
})

describe('a contract', () => {
  it.each<[string, Partial<ContractRecord>, number, string, string | undefined]>([
    ['signed by one', { accepted: ['archive'] }, NOW, 'proposed', 'CONTRACT_NOT_ACCEPTED'],
    [
      'accepted-thrice: signed by one, again and again',
      { accepted: ['archive', 'archive', 'archive'] },
      NOW,
      'proposed',
      'CONTRACT_NOT_ACCEPTED',
    ],
    [
      'accepted-by-stranger: signed by all but one, and by a stranger',
      { accepted: ['archive', 'reader', 'broker'] },
      NOW,
      'proposed',
      'CONTRACT_NOT_ACCEPTED',
    ],
    ['signed by all', {}, NOW, 'accepted', undefined],
    ['not-before: before its time', {}, NOW - 1, 'accepted', 'CONTRACT_EXPIRED'],
    ['with a run', { runs: 1 }, NOW, 'running', undefined],
    ['in its last second', { runs: 1 }, LATER - 1, 'running', undefined],
    ['not-after: when its time is over', { runs: 1 }, LATER, 'closed', 'CONTRACT_EXPIRED'],
    ['closed by some', { closed: ['archive', 'reader'], runs: 1 }, NOW, 'running', undefined],
    ['closed by all', { closed: ALL, runs: 1 }, NOW, 'closed', 'CONTRACT_CLOSED'],
    [
      'withdrawn-mid-run: whose runs one party took back',
      { ...withdrawn('execution'), runs: 1 },
      NOW,
      'closed',
      'CONTRACT_WITHDRAWN',
    ],
    [
      'withdrawn before everybody signed',
      { ...withdrawn('execution'), accepted: ['reader'] },
      NOW,
      'closed',
      'CONTRACT_WITHDRAWN',
    ],
    ['whose log one party took back', { ...withdrawn('logging'), runs: 1 }, NOW, 'running', undefined],
    ['whose metrics one party took back', { ...withdrawn('telemetry'), runs: 1 }, NOW, 'running', undefined],
  ])('%s, is where it is', (_, change, now, phase, refusal) => {
    expect(contractPhase(record(change), now)).toBe(phase)
    const enforce = (): void => requireInForce(record(change), now)
    if (refusal === undefined) enforce()
    else expect(enforce).toThrow(code(refusal))
  })

  it('never runs while it is proposed or closed, and never opens again', () => {
    const anyRecord = fc.record({
      accepted: fc.subarray(ALL),
      closed: fc.subarray(ALL),
      withdrawn: fc.array(
        fc.record({
          party: fc.constantFrom(...ALL),
          consent: fc.constantFrom('execution' as const, 'logging' as const, 'telemetry' as const),
        }),
        { maxLength: 2 },
      ),
      runs: fc.nat({ max: 2 }),
    })
    const time = fc.integer({ min: NOW - 5, max: LATER + 5 })
    fc.assert(
      fc.property(anyRecord, time, fc.nat({ max: 1000 }), (change, now, later) => {
        const phase = contractPhase(record(change), now)
        let runs = true
        try {
          requireInForce(record(change), now)
        } catch {
          runs = false
        }
        expect(runs).toBe((phase === 'accepted' || phase === 'running') && now >= NOW)
        if (phase === 'closed') expect(contractPhase(record(change), now + later)).toBe('closed')
      }),
    )
  })

  it('is in the log and in metrics only as long as every party wants it', () => {
    expect(isConsented(record(), 'logging')).toBe(true)
    expect(isConsented(record(), 'telemetry')).toBe(false)
    expect(isConsented(record(withdrawn('logging')), 'logging')).toBe(false)
    expect(isConsented(record(withdrawn('telemetry')), 'logging')).toBe(true)
    expect(isConsented(record(withdrawn('execution')), 'logging')).toBe(true)
    const measured = { ...summaries(), consent: { logging: false, telemetry: true } }
    expect(isConsented(record({ contract: measured }), 'logging')).toBe(false)
    expect(isConsented(record({ contract: measured }), 'telemetry')).toBe(true)
    expect(isConsented(record({ contract: measured, ...withdrawn('telemetry') }), 'telemetry')).toBe(false)
  })
})
