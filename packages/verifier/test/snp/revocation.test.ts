import { describe, expect, it } from 'vitest'
import { concat, toHex, utf8 } from '@sotto/protocol/bytes'
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

  it('is missing in so many words, and so is an endorsement, where none was given', () => {
    const reasons = judge(chip).steps.flatMap(({ name, status, reason }) =>
      status === 'skipped' ? [[name, reason]] : [],
    )
    expect(reasons).toContainEqual(['sev-snp.revocation', 'no CRL was given'])
    expect(reasons).toContainEqual(['sev-snp.uvm-endorsement', 'no endorsement was given'])
    expect(judge(chip).dates).toEqual([])
  })

  it('says how old it is: a list of the root, and only where it is about this chain', () => {
    const date = { kind: 'root-list', issuedAt: FAKE_NOW - 5 }
    const crl = ark.crl({ thisUpdate: FAKE_NOW - 5 })
    expect(withCrl(crl).dates).toEqual([date])
    expect(withCrl(amd.ark('genoa').crl()).dates).toEqual([])
    const collateral = { ...chip.collateral, other: amd.ark('genoa').crl(), crl }
    expect(judge(chip, { collateral }).dates).toEqual([date])
    // One that is refused says nothing.
    expect(withCrl(ark.crl({ thisUpdate: FAKE_NOW - 5, signWith: chip.leaf.key })).dates).toEqual([])
  })

  it.each<[string, (crl: Uint8Array) => Uint8Array]>([
    ['after certificates', (crl) => utf8(fakePem('CERTIFICATE', ask.der) + fakePem('X509 CRL', crl))],
    ['before certificates', (crl) => utf8(fakePem('X509 CRL', crl) + fakePem('CERTIFICATE', ask.der))],
    ['behind another', (crl) => utf8(fakePem('X509 CRL', ark.crl()) + fakePem('X509 CRL', crl))],
    ['behind another, as DER', (crl) => concat(ark.crl(), crl)],
    ['behind a certificate, as DER', (crl) => concat(ask.der, crl)],
    ['cut off', (crl) => crl.subarray(0, -1)],
    ['as text', (crl) => utf8(toHex(crl))],
  ])('is never overlooked, %s', (_what, hide) => {
    const crl = ark.crl({ revoked: [{ serialNumber: ask.serialNumber }] })
    expect(withCrl(hide(crl))).toMatchObject({ authentic: false, acceptable: false })
  })

  it('ends the verdict when it is due to be replaced', () => {
    expect(withCrl(ark.crl({ nextUpdate: FAKE_NOW + 60 })).validUntil).toBe(FAKE_NOW + 60)
  })

  it.each<[string, CrlOptions, string]>([
    ['revokes the issuer', { revoked: [{ serialNumber: ask.serialNumber }] }, 'revoked'],
    ['is by an endorsement key', { signWith: chip.leaf.key, issuerName: 'SEV-VCEK' }, 'collateral-invalid'],
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

  it('counts from an intermediate that may sign lists: none of AMD’s does', () => {
    const { ask: issuer, chip: other } = amd.listing()
    const verdict = (crl: Uint8Array): EvidenceVerdict =>
      judge(other, { collateral: { ...other.collateral, crl, root: ark.crl({ thisUpdate: FAKE_NOW - 9 }) } })
    const sound = verdict(issuer.crl({ thisUpdate: FAKE_NOW - 5 }))
    expect(failed(sound)).toEqual({})
    expect(sound.dates).toEqual([
      { kind: 'revocation', issuedAt: FAKE_NOW - 5 },
      { kind: 'root-list', issuedAt: FAKE_NOW - 9 },
    ])
    // All keys of chips have serial 0.
    const revoked = [{ serialNumber: other.leaf.certificate.serialNumber }]
    expect(failed(verdict(issuer.crl({ revoked })))).toEqual({ 'sev-snp.revocation': 'revoked' })
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
