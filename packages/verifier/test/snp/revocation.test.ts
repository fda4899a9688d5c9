import { describe, expect, it } from 'vitest'
import { utf8 } from '@sotto/protocol/bytes'
import { fakeAmd } from '@sotto/testkit/snp'
import { type CrlOptions, FAKE_NOW, fakePem } from '@sotto/testkit/x509'
import type { EvidenceVerdict } from '@sotto/verifier/family'
import type { SevSnpPolicy } from '@sotto/verifier/snp'
import { amd, failed, judge, statusOf } from './judge.ts'

const chip = amd.chip()
const ark = amd.ark('milan')
const ask = amd.issuer('milan', 'VCEK').certificate
const withCrl = (crl: Uint8Array, policy: SevSnpPolicy = {}): EvidenceVerdict =>
  judge(chip, { collateral: { ...chip.collateral, crl }, policy })
const required: SevSnpPolicy = { requireRevocation: true }

describe('a CRL of AMD', () => {
  it('is optional, and mandatory where the policy says so', () => {
    expect(statusOf(judge(chip), 'sev-snp.revocation')).toBe('skipped')
    expect(failed(judge(chip, { policy: required }))).toEqual({
      'sev-snp.revocation-known': 'collateral-missing',
    })
    expect(failed(withCrl(ark.crl(), required))).toEqual({})
    expect(failed(withCrl(utf8(fakePem('X509 CRL', ark.crl())), required))).toEqual({})
  })

  it('ends the verdict when it is due to be replaced', () => {
    expect(withCrl(ark.crl({ nextUpdate: FAKE_NOW + 60 })).validUntil).toBe(FAKE_NOW + 60)
  })

  it.each<[string, CrlOptions, string]>([
    ['revokes the issuer', { revoked: [{ serialNumber: ask.serialNumber }] }, 'revoked'],
    ['revokes the root itself', { revoked: [{ serialNumber: ark.certificate.serialNumber }] }, 'revoked'],
    ['is signed by another key', { signWith: chip.leaf.key }, 'collateral-invalid'],
    ['names another issuer', { issuerName: 'ARK-Other' }, 'collateral-invalid'],
    ['is due', { nextUpdate: FAKE_NOW - 1 }, 'expired'],
    ['never ends', { nextUpdate: null }, 'collateral-invalid'],
    ['is of tomorrow', { thisUpdate: FAKE_NOW + 86_400, nextUpdate: FAKE_NOW + 172_800 }, 'expired'],
    [
      'has an unknown critical extension',
      { extensions: [{ oid: '1.2.3.4', critical: true, value: Uint8Array.of(5, 0) }] },
      'collateral-invalid',
    ],
  ])('refuses the evidence when it %s', (_what, options, reason) => {
    expect(failed(withCrl(ark.crl(options)))).toEqual({ 'sev-snp.revocation': reason })
    expect(withCrl(ark.crl(options))).toMatchObject({ authentic: false, acceptable: false, reason })
  })

  it('of another product says nothing about this one, and must be genuine', () => {
    const genoa = amd.ark('genoa')
    expect(failed(withCrl(genoa.crl()))).toEqual({})
    expect(failed(withCrl(genoa.crl(), required))).toEqual({
      'sev-snp.revocation-known': 'collateral-missing',
    })
    expect(failed(withCrl(genoa.crl({ signWith: ark.key })))).toEqual({
      'sev-snp.revocation': 'collateral-invalid',
    })
  })

  it('of another AMD is not believed, even where it has the same name', () => {
    const other = fakeAmd().ark('milan').crl()
    expect(failed(withCrl(other))).toEqual({ 'sev-snp.revocation': 'collateral-invalid' })
  })

  it('is not one that the intermediate signs: it may sign no lists', () => {
    const crl = amd.issuer('milan', 'VCEK').crl({ revoked: [{ serialNumber: new Uint8Array(0) }] })
    expect(failed(withCrl(crl))).toEqual({ 'sev-snp.revocation': 'collateral-invalid' })
  })

  it('does not count where it is bad, and a good one beside it does not make up for it', () => {
    const bad = ark.crl({ nextUpdate: FAKE_NOW - 1 })
    const collateral = { ...chip.collateral, bad, good: ark.crl() }
    expect(failed(judge(chip, { collateral, policy: required }))).toHaveProperty(['sev-snp.revocation'])
  })
})
