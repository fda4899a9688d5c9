import { describe, expect, it } from 'vitest'
import { appraiseEvidence, type AppraisalContext, type EvidenceAppraisal } from '@sotto/verifier/appraisal'
import { binding, bytesOf, FAKE_FAMILIES } from './fake-families.ts'
import { CONTEXT, judge, NOW, piece, policy, stepsOf, tuple } from './fake-appraisal.ts'

describe('binding and freshness', () => {
  const nonce = policy([tuple('a', {})])
  const age = policy([tuple('a', {})], { freshness: 'age' })
  const signed = policy([{ name: 'a', allOf: [{ family: 'nitro' }] }], { freshness: 'age' })

  it.each<[string, Partial<Record<keyof AppraisalContext, unknown>>, string[]]>([
    ['no binding', { expectedReportData: undefined }, ['policy.binding', 'policy.freshness']],
    ['an empty binding', { expectedReportData: new Uint8Array(0) }, ['policy.evidence', 'policy.binding']],
    [
      'a short binding',
      { expectedReportData: binding().subarray(32) },
      ['policy.evidence', 'policy.binding'],
    ],
    ['another binding', { expectedReportData: binding(2) }, ['policy.evidence', 'policy.binding']],
    ['a binding of unknown age', { boundAt: undefined }, ['policy.freshness']],
    ['an old binding', { boundAt: NOW - 3601 }, ['policy.freshness']],
    ['a binding of the future', { boundAt: NOW + 301 }, ['policy.freshness']],
    ['no time of checking', { at: Number.NaN }, ['policy.freshness']],
  ])('refuse %s', (_, context, steps) => {
    const verdict = judge([piece()], nonce, context)
    expect([verdict.admitted, stepsOf(verdict)]).toEqual([false, steps])
  })

  it('refuse a verdict whose binding step did not pass, whatever it says otherwise', () => {
    const families = new Map(FAKE_FAMILIES)
    const snp = FAKE_FAMILIES.get('sev-snp')!
    families.set('sev-snp', {
      ...snp,
      // The published defect: a verifier that never compares (GHSA-4px3-wj2x-xx47).
      verify: (input) => snp.verify({ ...input, expectedReportData: undefined as never }),
    })
    const verdict = appraiseEvidence([piece()], nonce, CONTEXT, families)
    expect([verdict.admitted, verdict.reason, stepsOf(verdict)]).toEqual([
      false,
      'binding',
      ['policy.binding'],
    ])
  })

  it('with age, count from the time that evidence states under its signature', () => {
    const at = (time: number): EvidenceAppraisal =>
      judge([piece({ time }, 'nitro')], signed, { expectedReportData: undefined, boundAt: undefined })
    expect(at(NOW - 3600)).toMatchObject({ admitted: true, validUntil: NOW })
    expect(stepsOf(at(NOW - 3600), 'skipped')).toContain('policy.binding')
    expect(stepsOf(at(NOW - 3601))).toEqual(['policy.freshness'])
    expect(stepsOf(at(NOW + 301))).toEqual(['policy.freshness'])
  })

  it('with age, count from the binding where hardware states no time', () => {
    expect(judge([piece()], age).admitted).toBe(true)
    expect(stepsOf(judge([piece()], age, { boundAt: NOW - 3601 }))).toEqual(['policy.freshness'])
    // The time of a binding that was not compared says nothing.
    expect(stepsOf(judge([piece()], age, { expectedReportData: undefined }))).toEqual(['policy.freshness'])
  })

  it('with a nonce, count the time that evidence states as well', () => {
    const of = { ...signed, freshness: 'nonce' as const }
    expect(judge([piece({ time: NOW - 30 }, 'nitro')], of).admitted).toBe(true)
    expect(stepsOf(judge([piece({ time: NOW - 4000 }, 'nitro')], of))).toEqual(['policy.freshness'])
  })
})

describe('windows', () => {
  const upgrade = policy([
    tuple('a', {
      measurements: [
        { value: 'aa', notAfter: NOW },
        { value: 'bb', notBefore: NOW - 10 },
      ],
    }),
  ])

  it.each([
    ['aa', NOW, true],
    ['aa', NOW + 1, false],
    ['bb', NOW - 11, false],
    ['bb', NOW - 10, true],
    ['bb', NOW + 1000, true],
  ])('admit %s at %i: %s', (measurement, at, admitted) => {
    const verdict = judge([piece({ measurement })], upgrade, { at, boundAt: at })
    expect(verdict.admitted).toBe(admitted)
    if (!admitted) expect(verdict.reason).toBe('measurement')
  })

  it('end a verdict where an entry that may have admitted it ends', () => {
    expect(judge([piece()], upgrade, { at: NOW - 20, boundAt: NOW - 20 }).validUntil).toBe(NOW)
  })

  it('close a list that has no entry left, instead of allowing everything', () => {
    const of = policy([tuple('a', { measurements: [{ value: 'aa', notAfter: NOW - 1 }] })])
    const verdict = judge([piece()], of)
    expect([verdict.admitted, verdict.reason, stepsOf(verdict)]).toEqual([
      false,
      'expired',
      ['policy.entries'],
    ])
  })

  it('leave out what is tolerated no longer', () => {
    const of = policy([tuple('a', { tolerated: [{ value: 'slow', notAfter: NOW }] })])
    expect(judge([piece({ problems: ['slow'] })], of).admitted).toBe(true)
    expect(judge([piece({ problems: ['slow'] })], of, { at: NOW + 1 }).reason).toBe('tcb')
    expect(judge([piece()], of, { at: NOW + 1 }).admitted).toBe(true)
  })

  it('hold for whole tuples', () => {
    const of = policy([tuple('a', {}, { notBefore: NOW - 5, notAfter: NOW + 5 })])
    expect(judge([piece()], of)).toMatchObject({ admitted: true, validUntil: NOW + 5 })
    for (const at of [NOW - 6, NOW + 6, Number.NaN]) {
      const verdict = judge([piece()], of, { at, boundAt: NOW - 6 })
      expect([verdict.admitted, verdict.reason, stepsOf(verdict)[0]]).toEqual([
        false,
        'expired',
        'policy.window',
      ])
    }
  })
})

describe('ages of what came along', () => {
  const day = 86_400
  const info = (issueDate: string): Record<string, Uint8Array> => ({
    any: bytesOf(JSON.stringify({ tcbInfo: { issueDate } })),
  })
  const at = Date.parse('2026-01-31T00:00:00Z') / 1000
  const tdx = policy([{ name: 'a', allOf: [{ family: 'tdx' }] }], { collateralMaxAgeSeconds: day })

  it.each([
    ['2026-01-30T00:00:00Z', [], at],
    ['2026-01-29T23:59:59Z', ['policy.collateral-age'], null],
  ])('count from the oldest date (%s)', (date, failed, validUntil) => {
    const verdict = judge([piece({}, 'tdx', info(date))], tdx, { at, boundAt: at })
    expect([stepsOf(verdict), verdict.validUntil]).toEqual([failed, validUntil])
  })

  it('find dates inside bundles, and take the oldest', () => {
    const bundle = {
      tcb_info: JSON.stringify({ issueDate: '2026-01-30T12:00:00Z' }),
      qe_identity: '{"issueDate":"2026-01-01T00:00:00Z"}',
    }
    const given = piece({}, 'tdx', { x: bytesOf(JSON.stringify(bundle)) })
    expect(stepsOf(judge([given], tdx, { at, boundAt: at }))).toEqual(['policy.collateral-age'])
  })

  it('refuse when nothing with a date came and the family has such pieces', () => {
    const verdict = judge([piece({}, 'tdx', { x: bytesOf('no date') })], tdx, { at, boundAt: at })
    expect([verdict.reason, stepsOf(verdict)]).toEqual(['collateral-missing', ['policy.collateral-age']])
    const revocation = policy([{ name: 'a', allOf: [{ family: 'tdx' }] }], { revocationMaxAgeSeconds: day })
    expect(stepsOf(judge([piece({}, 'tdx')], revocation))).toEqual(['policy.revocation-age'])
  })

  it('do not concern families without such pieces', () => {
    const of = policy([tuple('a', {})], { collateralMaxAgeSeconds: day, revocationMaxAgeSeconds: day })
    expect(judge([piece()], of).admitted).toBe(true)
  })
})
