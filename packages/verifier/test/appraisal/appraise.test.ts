import { describe, expect, it } from 'vitest'
import { appraiseEvidence, type EvidencePiece } from '@sotto/verifier/appraisal'
import { binding, FAKE_FAMILIES } from './fake-families.ts'
import { CONTEXT, judge, NOW, piece, policy, stepsOf, tuple } from './fake-appraisal.ts'

describe('an appraisal', () => {
  const two = policy([
    tuple('a', { measurements: ['aa'], hostData: ['aa'] }),
    tuple('b', { measurements: ['bb'], hostData: ['bb'] }),
  ])

  it('names the tuple that admits, the parties, and until when', () => {
    const verdict = judge([piece({ measurement: 'bb', hostData: 'bb' })], two)
    expect(verdict).toMatchObject({
      admitted: true,
      tuple: 'b',
      reason: null,
      software: false,
      trustedParties: ['maker of sev-snp'],
      // The nonce was handed out a minute ago.
      validUntil: NOW - 60 + 3600,
    })
    expect(verdict.tuples.map(({ name, admitted, reason }) => [name, admitted, reason])).toEqual([
      ['a', false, 'measurement'],
      ['b', true, null],
    ])
  })

  it.each([
    ['aa', 'bb'],
    ['bb', 'aa'],
  ])('never mixes values of two tuples (%s, %s)', (measurement, hostData) => {
    const verdict = judge([piece({ measurement, hostData })], two)
    expect([verdict.admitted, verdict.tuple, verdict.reason]).toEqual([false, null, 'measurement'])
    expect(verdict.tuples.map(({ name }) => name)).toEqual(['a', 'b'])
    expect(stepsOf(verdict)).toEqual(['policy.evidence', 'policy.evidence'])
  })

  it('never mixes families of two tuples', () => {
    const of = policy([
      {
        name: 'a',
        allOf: [
          { family: 'sev-snp', measurements: ['aa'] },
          { family: 'azure-maa', measurements: ['aa'] },
        ],
      },
      {
        name: 'b',
        allOf: [
          { family: 'sev-snp', measurements: ['bb'] },
          { family: 'azure-maa', measurements: ['bb'] },
        ],
      },
    ])
    const [snp, token] = [piece({ measurement: 'aa' }), piece({ measurement: 'bb' }, 'azure-maa')]
    expect(judge([snp, token], of).admitted).toBe(false)
    expect(judge([piece({ measurement: 'bb' }), token], of).tuple).toBe('b')
    expect(judge([token, piece({ measurement: 'bb' })], of).tuple).toBe('b')
  })

  it('says everything that is wrong, with a class for each', () => {
    const verdict = judge(
      [piece({ measurement: 'cc', debug: true })],
      policy([tuple('a', { measurements: ['aa'] })]),
      {
        boundAt: NOW - 4000,
        expectedReportData: binding(2),
      },
    )
    const [only] = verdict.tuples
    expect(stepsOf(verdict)).toEqual(['policy.evidence', 'policy.binding', 'policy.freshness'])
    expect(
      only!.pieces[0]!.steps.filter(({ status }) => status === 'fail').map((step) => step.class),
    ).toEqual(['binding', 'debug', 'measurement'])
    expect(verdict.reason).toBe('binding')
  })

  it('takes its reason from the tuple that comes closest', () => {
    const of = policy([
      { name: 'other', allOf: [{ family: 'tdx' }] },
      tuple('far', { measurements: ['bb'], hostData: ['cc'] }),
      tuple('near', { measurements: ['aa'], minimum: 9 }),
    ])
    expect(judge([piece()], of).reason).toBe('tcb')
  })

  it.each<[string, EvidencePiece[], string]>([
    ['nothing', [], 'collateral-missing'],
    ['evidence of another family', [piece({}, 'tdx')], 'hardware'],
    ['evidence of another family too', [piece(), piece({}, 'tdx')], 'hardware'],
    ['two processors', [piece(), piece({ svn: 9 })], 'hardware'],
    ['more than a machine has', Array.from({ length: 21 }, () => piece()), 'collateral-missing'],
    ['forged evidence', [piece({ forged: true })], 'signature'],
  ])('refuses %s', (_, pieces, reason) => {
    const verdict = judge(pieces, policy([tuple('a', {})]))
    expect([verdict.admitted, verdict.reason, verdict.validUntil]).toEqual([false, reason, null])
  })

  it('does not trust a policy object that was never parsed', () => {
    const of = { ...policy([tuple('a', {})]), anyOf: [{ name: 'a', allOf: [{ family: 'nvidia' as const }] }] }
    const verdict = judge([piece({}, 'nvidia')], of)
    expect([verdict.admitted, stepsOf(verdict)]).toEqual([false, ['policy.families']])
  })

  it('says that a software TEE is part of it', () => {
    const verdict = judge([piece({}, 'software')], policy([{ name: 'a', allOf: [{ family: 'software' }] }]))
    expect([verdict.admitted, verdict.software]).toEqual([true, true])
  })

  it('spends no time on GPUs beside a processor that is forged, in whatever order they come', () => {
    const calls: string[] = []
    const counting = new Map(FAKE_FAMILIES)
    const nvidia = FAKE_FAMILIES.get('nvidia')!
    counting.set('nvidia', { ...nvidia, verify: (input) => (calls.push('gpu'), nvidia.verify(input)) })
    const gpuBinding = { minGpus: 1, maxGpus: 1 }
    const of = policy([{ name: 'a', allOf: [{ family: 'sev-snp' }, { family: 'nvidia' }], gpuBinding }])
    const gpu = piece({}, 'nvidia')
    for (const pieces of [
      [piece({ forged: true }), gpu],
      [gpu, piece({ forged: true })],
    ]) {
      const verdict = appraiseEvidence(pieces, of, CONTEXT, counting)
      expect([verdict.admitted, verdict.reason]).toEqual([false, 'signature'])
    }
    expect(calls).toEqual([])
    // Nothing to compare with: the processor is genuine as far as it goes.
    const { expectedReportData: _binding, ...unbound } = CONTEXT
    appraiseEvidence([gpu, piece()], of, unbound, counting)
    expect(calls).toEqual(['gpu'])
  })

  it('verifies a piece once for tuples that ask the same of it', () => {
    const calls: string[] = []
    const counting = new Map(FAKE_FAMILIES)
    const token = FAKE_FAMILIES.get('azure-maa')!
    counting.set('azure-maa', { ...token, verify: (input) => (calls.push('azure-maa'), token.verify(input)) })
    const anyOf = ['aa', 'bb', 'cc'].map((measurement) => ({
      name: measurement,
      allOf: [{ family: 'sev-snp', measurements: [measurement] }, { family: 'azure-maa' }],
    }))
    const pieces = [piece({ measurement: 'cc' }), piece({}, 'azure-maa')]
    expect(appraiseEvidence(pieces, policy(anyOf), CONTEXT, counting).tuple).toBe('cc')
    expect(calls).toEqual(['azure-maa'])
  })
})
