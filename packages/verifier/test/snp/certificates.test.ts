import { describe, expect, it } from 'vitest'
import { concat, utf8 } from '@sotto/protocol/bytes'
import { derWriter, FAKE_NOW, fakeKey, fakePem, fakeRoot } from '@sotto/testkit/x509'
import { fakeAmd } from '@sotto/testkit/snp'
import { SNP_PRODUCTS, verifySevSnp, verifySnpCertificates } from '@sotto/verifier/snp'
import { amd, failed, judge } from './judge.ts'

const { integer, octets } = derWriter
const level = (value: number): Uint8Array => integer(Uint8Array.of(value))
const milan = amd.chip()

describe('a chip of each product, with each kind of key', () => {
  it.each(SNP_PRODUCTS.flatMap((product) => [[product, 'VCEK'] as const, [product, 'VLEK'] as const]))(
    '%s with a %s is accepted',
    (product, kind) => {
      const verdict = judge(amd.chip({ product, kind }))
      expect(failed(verdict)).toEqual({})
      expect(verdict).toMatchObject({
        authentic: true,
        acceptable: true,
        fields: { product, signing_key: kind, chain: 'ok', signature: 'valid' },
      })
    },
  )

  it('may have its hwID in an OCTET STRING of its own', () => {
    expect(judge(amd.chip({ wrapHwId: true })).acceptable).toBe(true)
    expect(judge(amd.chip({ product: 'turin', wrapHwId: true })).acceptable).toBe(true)
  })

  it.each<[number, number]>([
    [0x19, 0x10],
    [0x19, 0xa0],
    [0x19, 0xaf],
  ])('of Genoa may be CPUID %i %i: Bergamo and Siena have its root', (family, model) => {
    const chip = amd.chip({ product: 'genoa' })
    expect(judge(chip, { evidence: chip.report({ cpuid: [family, model, 2] }) }).acceptable).toBe(true)
  })

  it('says with a VLEK which cloud provider one trusts as well', () => {
    const { trustedParties, fields } = judge(amd.chip({ kind: 'VLEK' }))
    expect(trustedParties).toEqual([expect.stringMatching(/^AMD/), expect.stringMatching(/^CN=cc-fake-1/)])
    expect(fields['csp_id']).toBe('CN=cc-fake-1.example.com')
  })
})

describe('the chain', () => {
  it('may come in any form and number of pieces, without its root, with more of AMD’s certificates', () => {
    const ask = amd.issuer('milan', 'VCEK')
    const asvk = amd.issuer('genoa', 'VLEK')
    const older = amd.chip()
    const forms: Record<string, Uint8Array>[] = [
      { a: milan.leaf.der, b: ask.der },
      { a: utf8(milan.leaf.pem + ask.pem) },
      { a: utf8(`\n${amd.ark('milan').pem}\r\n${ask.pem}${milan.leaf.pem}`) },
      { ...milan.collateral, c: asvk.der, d: amd.ark('turin').der },
      { c: older.leaf.der, ...milan.collateral },
    ]
    for (const collateral of forms) expect(failed(judge(milan, { collateral }))).toEqual({})
  })

  it('chooses the certificate that is about the report among several of AMD’s', () => {
    const other = amd.chip()
    const vlek = amd.chip({ kind: 'VLEK' })
    const collateral = { a: other.leaf.der, b: vlek.leaf.der, ...milan.collateral }
    expect(failed(judge(milan, { collateral }))).toEqual({})
    expect(failed(judge(other, { collateral }))).toEqual({})
  })

  it('is not AMD’s when another AMD issued it', () => {
    const other = fakeAmd().chip()
    expect(failed(judge(other))).toEqual({ 'sev-snp.chain': 'chain', 'sev-snp.surplus': 'chain' })
  })

  it('is not the vendor’s under the roots that are pinned', () => {
    const verdict = verifySevSnp({ evidence: milan.report(), collateral: milan.collateral, at: FAKE_NOW })
    expect(verdict).toMatchObject({ authentic: false, reason: 'chain' })
  })

  it('ends in the pinned certificate, not in one with its name and key', () => {
    const ark = amd.ark('milan')
    const again = fakeRoot({ commonName: 'ARK-Milan', key: ark.key })
    const collateral = { a: milan.leaf.der, b: amd.issuer('milan', 'VCEK').der, c: again.der }
    expect(failed(judge(milan, { collateral }))).toEqual({ 'sev-snp.surplus': 'chain' })
  })

  it('needs the issuer of its kind: the CA of cloud providers issues no key of a chip', () => {
    const chip = amd.chip({
      certificate: { issuerName: 'SEV-VLEK-Milan', signWith: amd.issuer('milan', 'VLEK').key },
    })
    const collateral = { a: chip.leaf.der, b: amd.issuer('milan', 'VLEK').der }
    expect(failed(judge(chip, { collateral }))).toEqual({ 'sev-snp.chain': 'chain' })
  })

  it('needs an issuer between leaf and root', () => {
    const chip = amd.chip({ certificate: { issuerName: 'ARK-Milan', signWith: amd.ark('milan').key } })
    const collateral = { a: chip.leaf.der, b: amd.ark('milan').der }
    expect(failed(judge(chip, { collateral }))).toEqual({ 'sev-snp.chain': 'chain' })
  })

  it('needs an authority: a leaf issues nothing', () => {
    const fake = milan.leaf.issue({ commonName: 'SEV-Milan', ca: true })
    const collateral = { a: milan.leaf.der, b: fake.der }
    expect(failed(judge(milan, { collateral }))).toEqual({
      'sev-snp.chain': 'chain',
      'sev-snp.surplus': 'chain',
    })
  })

  it('is missing where nothing was given, and malformed where it cannot be read', () => {
    expect(failed(judge(milan, { collateral: {} }))).toEqual({
      'sev-snp.endorsement-key': 'collateral-missing',
    })
    const { leaf, chain } = milan.collateral
    expect(failed(judge(milan, { collateral: { leaf: leaf! } }))).toEqual({
      'sev-snp.chain': 'collateral-missing',
    })
    expect(failed(judge(milan, { collateral: { chain: chain! } }))).toEqual({
      'sev-snp.endorsement-key': 'collateral-missing',
    })
    expect(judge(milan, { collateral: { leaf: leaf!.subarray(1), chain: chain! } }).reason).toBe(
      'collateral-invalid',
    )
    expect(judge(milan, { collateral: { leaf: leaf!.subarray(0, -1), chain: chain! } }).reason).toBe(
      'malformed',
    )
  })

  it('is refused when any certificate of it is not valid at the time', () => {
    const { notBefore } = milan.leaf.certificate
    for (const at of [notBefore - 1, Number.NaN, Number.POSITIVE_INFINITY])
      expect(failed(judge(milan, { at }))).toEqual({ 'sev-snp.validity': 'expired' })
    const expired = amd.chip({ certificate: { notAfter: FAKE_NOW - 1 } })
    expect(failed(judge(expired))).toEqual({ 'sev-snp.validity': 'expired' })
  })
})

describe('the extensions of a certificate', () => {
  it.each<[string, (byArc: Map<string, Uint8Array>) => void]>([
    ['no structVersion', (arcs) => arcs.delete('1')],
    ['an unknown structVersion', (arcs) => arcs.set('1', level(2))],
    ['no productName', (arcs) => arcs.delete('2')],
    ['a productName in UTF-8', (arcs) => arcs.set('2', derWriter.der(0x0c, utf8('Milan-B0')))],
    ['a productName that is not printable', (arcs) => arcs.set('2', derWriter.der(0x16, Uint8Array.of(7)))],
    ['a level above 255', (arcs) => arcs.set('3.8', integer(Uint8Array.of(1, 0)))],
    ['a negative level', (arcs) => arcs.set('3.8', derWriter.der(0x02, Uint8Array.of(0x80)))],
    ['bytes after a level', (arcs) => arcs.set('3.8', concat(level(219), Uint8Array.of(0)))],
    ['no hwID', (arcs) => arcs.delete('4')],
    ['a hwID of another length', (arcs) => arcs.set('4', octets(new Uint8Array(32)))],
    ['a cspID beside its hwID', (arcs) => arcs.set('5', derWriter.der(0x16, utf8('CN=x')))],
  ])('with %s are malformed', (_what, extensions) => {
    const chip = amd.chip({ extensions })
    expect(judge(chip).reason).toBe('malformed')
    expect(verifySnpCertificates(chip.collateral, FAKE_NOW, amd.roots)).toMatchObject({
      authentic: false,
      reason: 'malformed',
    })
  })

  it('are those of a key, whatever else a certificate calls itself', () => {
    expect(judge(amd.chip({ certificate: { commonName: 'SEV-Other' } })).reason).toBe('malformed')
  })

  it.each<[string, (byArc: Map<string, Uint8Array>) => void]>([
    ['another product', (arcs) => arcs.set('2', derWriter.der(0x16, utf8('Genoa')))],
    ['an unknown product', (arcs) => arcs.set('2', derWriter.der(0x16, utf8('Milano')))],
    ['another level', (arcs) => arcs.set('3.3', level(25))],
    ['a level too little', (arcs) => arcs.delete('3.4')],
    ['a level too many', (arcs) => arcs.set('3.9', level(0))],
    ['a level of another arc', (arcs) => arcs.delete('3.4') && arcs.set('3.9', level(0))],
    ['another chip', (arcs) => arcs.set('4', new Uint8Array(64).fill(9))],
    ['a chip named as Turin does', (arcs) => arcs.set('4', new Uint8Array(8).fill(9))],
  ])('with %s are of another chip or firmware than the report', (_what, extensions) => {
    expect(failed(judge(amd.chip({ extensions })))).toEqual({
      'sev-snp.certificate-binding': 'certificate-binding',
    })
  })

  it('of Turin are compared in its own layout, hwID with the rest of CHIP_ID zero', () => {
    const chip = amd.chip({ product: 'turin' })
    const withTail = chip.chipId.slice()
    withTail[63] = 1
    expect(failed(judge(chip, { evidence: chip.report({ chipId: withTail }) }))).toEqual({
      'sev-snp.certificate-binding': 'certificate-binding',
    })
    // FMC of the certificate where the layout of Milan has the boot loader.
    const fmc = amd.chip({ product: 'turin', tcb: Uint8Array.of(1, 2, 3, 4, 0, 0, 0, 5) })
    expect(judge(fmc).fields['tcb']).toEqual({ fmc: 1, bl: 2, tee: 3, snp: 4, ucode: 5 })
  })
})

describe('the key', () => {
  it('must be of the kind that the report names', () => {
    const vlek = amd.chip({ kind: 'VLEK' })
    expect(failed(judge(vlek, { evidence: vlek.report({ keyFlags: 0 }) }))).toEqual({
      'sev-snp.signing-key': 'certificate-binding',
    })
    expect(failed(judge(milan, { evidence: milan.report({ keyFlags: 1 << 2 }) }))).toEqual({
      'sev-snp.signing-key': 'certificate-binding',
    })
  })

  it.each<[string, number, string]>([
    ['MASK_CHIP_KEY', 0b10, 'signature'],
    ['a SIGNING_KEY of none', 7 << 2, 'certificate-binding'],
    ['a reserved SIGNING_KEY', 3 << 2, 'malformed'],
  ])('signs no report with %s', (_what, keyFlags, reason) => {
    expect(failed(judge(milan, { evidence: milan.report({ keyFlags }) }))).toEqual({
      'sev-snp.signing-key': reason,
    })
  })

  it('must be P-384', () => {
    const chip = amd.chip({ certificate: { key: fakeKey('P-256') } })
    expect(failed(judge(chip))).toEqual({ 'sev-snp.signature': 'algorithm' })
  })

  it('must not be about another product than the CPUID bytes of the report', () => {
    for (const cpuid of [
      [0x19, 0x11, 1],
      [0x1a, 0x02, 1],
      [0x1a, 0x50, 0],
      [0, 0, 0],
    ] as const)
      expect(failed(judge(milan, { evidence: milan.report({ cpuid }) }))).toEqual({
        'sev-snp.certificate-binding': 'certificate-binding',
      })
  })

  it('must be of the chip that the report names: one that names none has no VCEK', () => {
    expect(failed(judge(milan, { evidence: milan.report({ chipId: new Uint8Array(64) }) }))).toEqual({
      'sev-snp.certificate-binding': 'certificate-binding',
    })
  })
})

describe('certificates without a report', () => {
  it('are judged alone', () => {
    const verdict = verifySnpCertificates(milan.collateral, FAKE_NOW, amd.roots)
    expect(verdict).toMatchObject({
      authentic: true,
      reason: null,
      fields: { chain: 'ok', product: 'milan' },
    })
    expect(verifySnpCertificates(milan.collateral, FAKE_NOW)).toMatchObject({
      authentic: false,
      reason: 'chain',
    })
    expect(verifySnpCertificates({}, FAKE_NOW)).toMatchObject({
      authentic: false,
      reason: 'collateral-missing',
    })
    expect(verifySnpCertificates(milan.collateral, 0, amd.roots)).toMatchObject({ reason: 'expired' })
  })
})

describe('other pieces', () => {
  it.each<[string, Uint8Array, string]>([
    ['nothing', new Uint8Array(0), 'collateral-invalid'],
    ['text', utf8('hello'), 'collateral-invalid'],
    ['a certificate cut off', milan.leaf.der.subarray(0, 100), 'malformed'],
    ['PEM of something else', utf8(fakePem('PRIVATE KEY', new Uint8Array(8))), 'malformed'],
    ['PEM that is no text', concat(utf8('-----BEGIN '), Uint8Array.of(0xff)), 'malformed'],
    ['a CRL cut off', amd.ark('milan').crl().subarray(0, -1), 'collateral-invalid'],
    ['CBOR that is no message', Uint8Array.of(0x84, 0, 0, 0, 0), 'collateral-invalid'],
    ['a piece that is too long', new Uint8Array(300_000).fill(0x30), 'collateral-invalid'],
  ])('are refused: %s', (_what, piece, reason) => {
    const verdict = judge(milan, { collateral: { ...milan.collateral, piece } })
    expect(verdict).toMatchObject({ authentic: false, reason })
    expect(failed(verdict)['sev-snp.collateral']).toBe(reason)
  })

  it('are bounded in number', () => {
    const many = Object.fromEntries(Array.from({ length: 33 }, (_, index) => [`${index}`, milan.leaf.der]))
    expect(judge(milan, { collateral: many }).reason).toBe('collateral-invalid')
    const crls = Object.fromEntries(
      Array.from({ length: 31 }, (_, index) => [`${index}`, amd.ark('milan').crl()]),
    )
    expect(judge(milan, { collateral: { ...milan.collateral, ...crls } }).reason).toBe('collateral-invalid')
    const pem = utf8(milan.leaf.pem.repeat(32))
    expect(judge(milan, { collateral: { pem, more: milan.leaf.der } }).reason).toBe('collateral-invalid')
  })
})
