import { describe, expect, it } from 'vitest'
import { crypto } from '@sotto/protocol/crypto-backend'
import { decodeTcb, verifySevSnp } from '@sotto/verifier/snp'
import { FAKE_NOW } from '@sotto/testkit/x509'
import { amd, failed, judge, statusOf } from './judge.ts'

/** Defects of other verifiers that were published: none may be in this one. */
const chip = amd.chip()

describe('GHSA-4px3-wj2x-xx47: REPORT_DATA was never compared', () => {
  it('is refused when it is bound to something else', () => {
    const verdict = judge(chip, { expectedReportData: crypto.randomBytes(64) })
    expect(failed(verdict)).toEqual({ 'sev-snp.report-data': 'binding' })
    expect(verdict.authentic).toBe(false)
  })

  it('says that nothing was compared where nothing was expected', () => {
    expect(statusOf(judge(chip), 'sev-snp.report-data')).toBe('skipped')
  })
})

describe('GHSA-4r6g-mp48-j2rw: an empty expectation skipped the comparison', () => {
  it.each([0, 1, 32, 63, 65, 128])(
    'refuses an expectation of %i bytes, even if it is a part of the field',
    (length) => {
      const expectedReportData = new Uint8Array(length).fill(7)
      expect(failed(judge(chip, { expectedReportData }))).toEqual({ 'sev-snp.report-data': 'binding' })
    },
  )

  it('compares zeros as well', () => {
    const zeros = new Uint8Array(64)
    const evidence = chip.report({ reportData: zeros })
    expect(judge(chip, { evidence, expectedReportData: zeros }).acceptable).toBe(true)
    expect(judge(chip, { expectedReportData: zeros }).acceptable).toBe(false)
  })
})

describe('go-sev-guest: Turin’s TCB was read in the layout of Milan', () => {
  const levels = Uint8Array.of(1, 2, 3, 4, 0, 0, 0, 5)
  const turin = amd.chip({ product: 'turin', tcb: levels })

  it('reads it in its own', () => {
    expect(decodeTcb('turin', 0x05_00_00_00_04_03_02_01n)).toEqual({
      fmc: 1,
      bl: 2,
      tee: 3,
      snp: 4,
      ucode: 5,
    })
    expect(decodeTcb('milan', 0x05_04_00_00_00_00_02_01n)).toEqual({ bl: 1, tee: 2, snp: 4, ucode: 5 })
  })

  it('refuses old SNP firmware, though byte 6, where Milan has its level, says otherwise', () => {
    const old = Uint8Array.of(1, 2, 3, 4, 0, 0, 200, 5)
    const lying = amd.chip({ product: 'turin', tcb: old })
    expect(failed(judge(lying, { policy: { minimumTcb: { turin: { snp: 5 } } } }))).toEqual({
      'sev-snp.tcb': 'tcb',
    })
    expect(judge(turin, { policy: { minimumTcb: { turin: { snp: 4 } } } }).acceptable).toBe(true)
  })

  it('compares each level with the extension that certifies it', () => {
    const swapped = turin.report({ reportedTcb: Uint8Array.of(2, 3, 0, 0, 0, 0, 4, 5) })
    expect(failed(judge(turin, { evidence: swapped }))).toEqual({
      'sev-snp.certificate-binding': 'certificate-binding',
    })
  })
})

describe('BadRAM (AMD-SB-3015): modules that lie about their size alias memory', () => {
  const policy = { requireAliasCheck: true }
  it('is refused without the check at boot, where the policy asks for it', () => {
    const evidence = chip.report({ platformInfo: 0x05n })
    expect(failed(judge(chip, { evidence, policy }))).toEqual({ 'sev-snp.alias-check': 'tcb' })
    expect(judge(chip, { policy }).acceptable).toBe(true)
  })
})

describe('a signature of zeros (MASK_CHIP_KEY), or out of range', () => {
  const order =
    'ffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973'
  const scalar = Buffer.from(order, 'hex').reverse()
  const withScalar = (part: 0 | 1, value: Uint8Array): Uint8Array => {
    const report = chip.report()
    report.fill(0, 0x2a0 + 72 * part, 0x2a0 + 72 * part + 72)
    report.set(value, 0x2a0 + 72 * part)
    return report
  }
  it.each([
    ['R of zero', 0, new Uint8Array(48)],
    ['S of zero', 1, new Uint8Array(48)],
    ['R that is the order', 0, scalar],
    ['S that is the order', 1, scalar],
    ['S of all ones', 1, new Uint8Array(48).fill(0xff)],
  ] as const)('refuses %s', (_what, part, value) => {
    const verdict = judge(chip, { evidence: withScalar(part, value) })
    expect(failed(verdict)).toEqual({ 'sev-snp.signature': 'signature' })
    expect(verdict.steps.find(({ name }) => name === 'sev-snp.signature')?.reason).toMatch(/order/)
  })

  it('refuses zeros in place of the whole signature', () => {
    const report = chip.report({ keyFlags: 0b10 })
    report.fill(0, 0x2a0)
    expect(failed(judge(chip, { evidence: report }))).toEqual({
      'sev-snp.signature': 'signature',
      'sev-snp.signing-key': 'signature',
    })
  })
})

describe('another algorithm, or another version', () => {
  const changed = (at: number, value: number): Uint8Array => chip.report({}, (body) => (body[at] = value))
  it.each([
    ['the algorithm', 0x34, 0, 'algorithm'],
    ['version 1', 0, 1, 'malformed'],
    ['version 6', 0, 6, 'malformed'],
  ] as const)('refuses %s, though it is signed', (_what, at, value, reason) => {
    expect(judge(chip, { evidence: changed(at, value) })).toMatchObject({ authentic: false, reason })
  })

  it.each([2, 3, 4, 5])('accepts version %i', (version) => {
    expect(judge(chip, { evidence: chip.report({ version }) }).acceptable).toBe(true)
  })

  it('knows the product of version 2 by its certificate alone', () => {
    const evidence = chip.report({ version: 2 })
    expect(judge(chip, { evidence }).fields).toMatchObject({ product: 'milan', cpuid: [0, 0, 0] })
    const { fields } = verifySevSnp({ evidence, collateral: {}, at: FAKE_NOW })
    expect(fields).toMatchObject({ chain: 'absent', signature: 'cannot be checked offline' })
    expect(fields).not.toHaveProperty('product')
  })
})
