import { describe, expect, it } from 'vitest'
import { concat, toHex } from '@sotto/protocol/bytes'
import { azureCvmPolicyDecoder, type AzureCvmPolicy } from '@sotto/verifier/azure-cvm'
import type { Reason } from '@sotto/verifier/family'
import { failures, judge, nonce, paravisor, snpEvidence, vtpm, type Wanted } from './world.ts'

describe('a policy', () => {
  const value = (index: number): string => toHex(vtpm.pcrs[index]!)
  const id = '26F8BC30-774E-4290-8E7A-535F3B672AEE'

  it.each<[string, AzureCvmPolicy, Wanted]>([
    ['its registers', { pcrs: { 4: ['00'.repeat(32), value(4)], 7: [value(7)] } }, {}],
    ['its identifier, whatever the case', { vmUniqueIds: [id.toLowerCase()] }, {}],
    ['its user data', { userData: ['aa'.repeat(64)] }, { userData: new Uint8Array(64).fill(0xaa) }],
    [
      'a report for this request',
      { requireFreshReport: true },
      { userData: concat(nonce, new Uint8Array(16)) },
    ],
    ['no secure boot', { allowSecureBootOff: true }, { configuration: { 'secure-boot': false } }],
    [
      'an interactive console',
      { allowInteractiveConsole: true },
      { configuration: { 'interactive-console-enabled': true } },
    ],
    ['no console', { requireConsoleOff: true }, { configuration: { 'console-enabled': false } }],
    ['nothing more', {}, {}],
  ])('that admits the paravisor and %s accepts it', (_what, policy, wanted) => {
    const decoded = azureCvmPolicyDecoder({ ...paravisor, ...policy }, 'policy')
    expect(failures(judge(snpEvidence(wanted), { policy: decoded }))).toEqual([])
  })

  it.each<[string, AzureCvmPolicy, Wanted, string, Reason]>([
    ['another register', { pcrs: { 4: [value(5)] } }, {}, 'azure-cvm.pcrs', 'measurement'],
    [
      'a register that was not quoted',
      { pcrs: { 4: [value(4)] } },
      { quote: { indices: [0] } },
      'azure-cvm.pcrs',
      'measurement',
    ],
    [
      'another machine',
      { vmUniqueIds: ['00000000-774e-4290-8e7a-535f3b672aee'] },
      {},
      'azure-cvm.vm-unique-id',
      'measurement',
    ],
    ['other user data', { userData: ['aa'.repeat(64)] }, {}, 'azure-cvm.user-data-allowed', 'measurement'],
    ['the report of the last boot', { requireFreshReport: true }, {}, 'azure-cvm.user-data', 'binding'],
    [
      'no secure boot',
      {},
      { configuration: { 'secure-boot': false } },
      'azure-cvm.vm-configuration',
      'guest-policy',
    ],
    [
      'secure boot by another word',
      {},
      { configuration: { 'secure-boot': 'true' } },
      'azure-cvm.vm-configuration',
      'guest-policy',
    ],
    [
      'no TPM',
      { allowSecureBootOff: true },
      { configuration: { 'tpm-enabled': false } },
      'azure-cvm.vm-configuration',
      'guest-policy',
    ],
    [
      'an interactive console',
      {},
      { configuration: { 'interactive-console-enabled': true } },
      'azure-cvm.console',
      'debug',
    ],
    ['a console', { requireConsoleOff: true }, {}, 'azure-cvm.console', 'debug'],
    [
      'another measurement',
      { snp: { measurements: ['02'.repeat(48)] } },
      {},
      'sev-snp.measurement',
      'measurement',
    ],
    ['a guest in debug mode', {}, { report: { policy: 0xb0000n } }, 'sev-snp.debug', 'debug'],
    ['another privilege level', {}, { report: { vmpl: 2 } }, 'sev-snp.vmpl', 'guest-policy'],
  ])('refuses %s', (_what, policy, wanted, step, of) => {
    const verdict = judge(snpEvidence(wanted), { policy: { ...paravisor, ...policy } })
    expect(failures(verdict)).toEqual([[step, of]])
    expect(verdict).toMatchObject({ acceptable: false, reason: of })
  })

  it('hears of everything that is wrong at once, what was changed first', () => {
    const wanted: Wanted = { configuration: { 'secure-boot': false }, report: { policy: 0xb0000n } }
    const verdict = judge(snpEvidence({ ...wanted, quote: { pcrDigest: new Uint8Array(32) } }), {
      policy: { ...paravisor, pcrs: { 4: [value(5)] } },
    })
    expect(verdict.reason).toBe('binding')
    expect(failures(verdict).map(([name]) => name)).toEqual([
      'azure-cvm.pcr-digest',
      'azure-cvm.vm-configuration',
      'sev-snp.debug',
    ])
    // Registers that nobody vouches for are not judged.
    expect(verdict.steps.find(({ name }) => name === 'azure-cvm.pcrs')?.status).toBe('skipped')
  })

  it.each<[string, unknown]>([
    ['an unknown member', { pcr: {} }],
    ['register 24', { pcrs: { 24: ['00'.repeat(32)] } }],
    ['a value of another length', { pcrs: { 0: ['00'.repeat(20)] } }],
    ['an empty list', { pcrs: { 0: [] } }],
    ['an identifier that is none', { vmUniqueIds: ['x'] }],
    ['a policy of SNP that is none', { snp: { vmpl: 1 } }],
    ['a list', []],
  ])('with %s is malformed', (_what, policy) => {
    expect(() => azureCvmPolicyDecoder(policy, 'policy')).toThrow(
      expect.objectContaining({ code: 'JCS_FIELD' }),
    )
  })
})
