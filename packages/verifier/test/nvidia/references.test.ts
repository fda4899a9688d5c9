import { describe, expect, it } from 'vitest'
import { fromUtf8, utf8 } from '@sotto/protocol/bytes'
import { FAKE_NOW } from '@sotto/testkit/x509'
import { FAKE_OPAQUE, type FakeDevice, fakeNvidia, type FakeRimOptions } from '@sotto/testkit/nvidia'
import type { Collateral, EvidenceVerdict } from '@sotto/verifier/family'
import { type NvidiaPolicy, parseRim, verifyNvidia, verifyRim } from '@sotto/verifier/nvidia'
import { failures } from './vectors.ts'

const malformed = expect.objectContaining({ code: 'EVIDENCE_MALFORMED' })
const vendor = fakeNvidia()
const h100 = vendor.device()
const rims = vendor.rims()
const zero = new Uint8Array(48)
const measured = (index: number): Uint8Array => vendor.measurements[index]!

function judge(collateral: Collateral, evidence = h100.report(), device: FakeDevice = h100): EvidenceVerdict {
  return verifyNvidia(
    { evidence, collateral: { chain: device.chain, ...collateral }, at: FAKE_NOW },
    vendor.roots,
  )
}
const withDriver = (options: FakeRimOptions): string[] =>
  failures(judge({ vbios: rims.vbios, driver: vendor.rim(options) }))
const resource = (xml: string, from: string | RegExp, to: string): string => xml.replace(from, () => to)

describe('reference values', () => {
  it('are equal, all that count', () => {
    expect(judge(rims)).toMatchObject({
      acceptable: true,
      fields: { rim_compare: { nvdec0: false, conflict: [], active: 8, mismatch: [] } },
    })
  })

  it('may be one of several', () => {
    const golden = new Map([[7, [zero, measured(7)]]])
    expect(withDriver({ golden })).toEqual([])
    expect(withDriver({ golden: new Map([[7, [zero, measured(8)]]]) })).toEqual([
      'nvidia.measurements measurement',
    ])
  })

  it('of index i are those of block i + 1', () => {
    expect(withDriver({ golden: new Map([[7, [measured(6)]]]) })).toEqual(['nvidia.measurements measurement'])
  })

  it('of a block that is missing are not equal', () => {
    const report = h100.report({ measurements: vendor.measurements.slice(0, 30) })
    expect(failures(judge(rims, report))).toEqual(['nvidia.measurements measurement'])
    expect(judge(rims, report).fields['rim_compare']).toMatchObject({ mismatch: [40] })
  })

  it('of the decoder count only where it is on, or where the report does not say', () => {
    const golden = new Map([[35, [zero]]])
    const driver = vendor.rim({ golden })
    const nvdec = (value: Uint8Array | undefined): Uint8Array =>
      h100.report({ opaque: { [FAKE_OPAQUE.NVDEC0_STATUS]: value } })
    expect(failures(judge({ ...rims, driver }, nvdec(Uint8Array.of(0x55))))).toEqual([])
    for (const on of [Uint8Array.of(0xaa), undefined])
      expect(failures(judge({ ...rims, driver }, nvdec(on)))).toEqual(['nvidia.measurements measurement'])
  })

  it('of two manifests must not contradict each other, even where they say the same', () => {
    const golden = new Map([[1, [measured(1)]]])
    expect(withDriver({ golden })).toEqual(['nvidia.measurements measurement'])
    expect(judge({ ...rims, driver: vendor.rim({ golden }) }).fields['rim_compare']).toMatchObject({
      conflict: [1],
    })
  })

  it('of a switch are those of its firmware alone', () => {
    const device = vendor.device({ chip: 'LS_10', vbiosVersion: '96.10.55.00.01' })
    const golden = new Map([[0, [measured(0)]]])
    const rim = vendor.rim({ edition: 'SWITCH', product: 'LS10', version: '96.10.55.00.01', golden })
    expect(judge({ rim }, device.report(), device)).toMatchObject({
      acceptable: true,
      fields: { rim_compare: { active: 1, mismatch: [] }, rim_signature: { sig: true, digest: true } },
    })
    expect(failures(judge({}, device.report(), device))).toEqual(['nvidia.references collateral-missing'])
  })
})

describe('a manifest beside a report', () => {
  it.each([['driver'], ['vbios']] as const)('is missing: of the %s', (name) => {
    const { [name]: _, ...rest } = rims
    const verdict = judge(rest)
    expect(verdict).toMatchObject({ authentic: true, acceptable: false, reason: 'collateral-missing' })
  })

  it('that is missing does not hide that the other one differs', () => {
    const odd = h100.report({ measurements: vendor.measurements.toSpliced(1, 1, zero) })
    expect(failures(judge({ vbios: rims.vbios }, odd))).toEqual([
      'nvidia.measurements measurement',
      'nvidia.references collateral-missing',
    ])
  })

  it.each<[string, string, FakeRimOptions]>([
    [
      'was changed',
      'nvidia.reference-signature collateral-invalid',
      { editFile: (xml) => xml.replace('active="False"', 'active="True"') },
    ],
    [
      'has another signature',
      'nvidia.reference-signature collateral-invalid',
      { editFile: (xml) => xml.replace(/<ds:SignatureValue>.{4}/, '<ds:SignatureValue>AAAA') },
    ],
    ['is of another vendor', 'nvidia.reference-signature chain', { certificates: fakeNvidia().rimPath }],
    [
      'is signed by a device',
      'nvidia.reference-signature chain',
      { certificates: h100.certificates, signer: h100.certificates[0]! },
    ],
    [
      'is signed by an authority',
      'nvidia.reference-signature chain',
      { certificates: vendor.rimPath.slice(1), signer: vendor.rimPath[1] },
    ],
    [
      'is signed with another algorithm',
      'nvidia.collateral algorithm',
      { editSignedInfo: (xml) => xml.replace('ecdsa-sha384', 'hmac-sha384') },
    ],
    ['is of another driver', 'nvidia.reference-subject collateral-invalid', { version: '550.90.08' }],
    ['is of another chip', 'nvidia.reference-subject collateral-invalid', { product: 'GB100' }],
    ['has a DTD', 'nvidia.collateral collateral-invalid', { editFile: (xml) => `<!DOCTYPE a>${xml}` }],
  ])('is refused that %s', (_what, refusal, options) => {
    const found = withDriver(options)
    expect(found).toContain(refusal)
    expect(found).toContain('nvidia.references collateral-missing')
  })

  it('is refused whose signer is not valid at this time', () => {
    const signer = vendor.rimPath[1].issue({ commonName: 'Old', notAfter: FAKE_NOW - 1 })
    const driver = vendor.rim({ signer, certificates: [signer, ...vendor.rimPath.slice(1)] })
    for (let i = 0; i < 2; i++)
      expect(failures(judge({ ...rims, driver }))).toEqual([
        'nvidia.reference-signature expired',
        'nvidia.references collateral-missing',
      ])
    const before = verifyNvidia(
      { evidence: h100.report(), collateral: { chain: h100.chain, ...rims, driver }, at: FAKE_NOW - 2 },
      vendor.roots,
    )
    expect(before).toMatchObject({ acceptable: true, validUntil: FAKE_NOW - 1 })
    // What was proven then has its dates checked now.
    expect(failures(judge({ ...rims, driver }))).toContain('nvidia.reference-signature expired')
  })

  it('is refused beside another one about the same, or when it is about nothing', () => {
    const again = vendor.rim({ golden: new Map([[7, [measured(7)]]]) })
    for (const other of [again, vendor.rim({ version: '570.86.10' })])
      expect(failures(judge({ ...rims, other }))).toEqual(['nvidia.reference-subject collateral-invalid'])
  })

  it('may be given twice: that is the same manifest, before and after it was read', () => {
    const fresh = fakeNvidia()
    const device = fresh.device()
    const { driver, vbios } = fresh.rims()
    const collateral = { chain: device.chain, driver, copy: driver, vbios }
    for (let i = 0; i < 2; i++)
      expect(
        verifyNvidia({ evidence: device.report(), collateral, at: FAKE_NOW }, fresh.roots).acceptable,
      ).toBe(true)
  })

  it('that one root signed does not count under another', () => {
    const other = fakeNvidia()
    const device = other.device({ measurements: vendor.measurements })
    const verdict = verifyNvidia(
      { evidence: device.report(), collateral: { chain: device.chain, ...rims }, at: FAKE_NOW },
      other.roots,
    )
    expect(verdict).toMatchObject({ authentic: false, reason: 'chain' })
  })

  it('and pieces that nothing is known about are refused', () => {
    expect(failures(judge({ ...rims, what: utf8('what') }))).toEqual(['nvidia.collateral collateral-invalid'])
    const many = Object.fromEntries(Array.from({ length: 129 }, (_, i) => [`${i}`, utf8('what')]))
    expect(failures(judge({ ...many, ...rims }))).toContain('nvidia.collateral collateral-invalid')
  })
})

describe('a manifest alone', () => {
  const alone = (evidence: Uint8Array, more: object = {}): EvidenceVerdict =>
    verifyNvidia({ evidence, collateral: {}, at: FAKE_NOW, ...more }, vendor.roots)

  it('is what NVIDIA says, about no device', () => {
    expect(alone(rims.driver)).toMatchObject({
      acceptable: true,
      fields: { version: '550.90.07', active: 4, chain: [true, true, true], root_ok: true },
    })
    expect(verifyRim({ evidence: rims.driver, collateral: {}, at: FAKE_NOW })).toMatchObject({
      authentic: false,
      reason: 'chain',
    })
  })

  it('says in its steps that it is evidence of no device', () => {
    const { steps } = alone(rims.driver)
    expect(steps[0]!.title).toMatch(/evidence of no device/)
    expect(steps.find(({ name }) => name === 'nvidia.device')).toMatchObject({
      status: 'skipped',
      reason: expect.stringMatching(/evidence of no device/),
    })
  })

  it.each<[NvidiaPolicy]>([
    [{ devices: ['NVIDIA:GH100:0000000000000000'] }],
    [{ architectures: ['hopper'] }],
    [{ minimumDriverVersion: '1.0' }],
    [{ vbiosVersions: ['96.00.9F.00.01'] }],
    [{ requireOcsp: true }],
  ])('is not what a policy wants that asks for a device: %o', (policy) => {
    expect(alone(rims.driver, { policy })).toMatchObject({
      authentic: true,
      acceptable: false,
      reason: 'hardware',
    })
    expect(alone(rims.driver, { policy: { allowDevtools: true, requireOcsp: false } })).toMatchObject({
      acceptable: true,
    })
  })

  it('answers no nonce', () => {
    expect(alone(rims.driver, { expectedReportData: new Uint8Array(32) })).toMatchObject({
      authentic: false,
      reason: 'binding',
    })
  })

  it('is refused with the class of what is wrong', () => {
    expect(
      alone(vendor.rim({ editFile: (xml) => xml.replace('active="False"', 'active="True"') })).reason,
    ).toBe('signature')
    expect(alone(fakeNvidia().rim()).reason).toBe('chain')
    expect(alone(rims.driver, { at: FAKE_NOW + 2 * 31_536_000 }).reason).toBe('expired')
    expect(alone(utf8('<SoftwareIdentity/>')).reason).toBe('malformed')
  })

  it.each<[string, (xml: string) => string]>([
    ['of another format', (xml) => xml.replaceAll('SoftwareIdentity', 'Manifest')],
    ['of another namespace', (xml) => xml.replaceAll('2015/schema.xsd', '2009/schema.xsd')],
    ['without Meta', (xml) => resource(xml, /<ns0:Meta .*<\/ns0:Meta>/, '')],
    ['with Meta twice', (xml) => resource(xml, '<ns0:Payload>', '<ns0:Meta></ns0:Meta><ns0:Payload>')],
    [
      'with Payload twice',
      (xml) => resource(xml, '<ns0:Payload>', '<ns0:Payload></ns0:Payload><ns0:Payload>'),
    ],
    [
      'with an unknown child',
      (xml) => resource(xml, '<ns0:Payload>', '<ns0:Other></ns0:Other><ns0:Payload>'),
    ],
    [
      'with a child of another namespace',
      (xml) => resource(xml, '<ns0:Payload>', '<ns2:Payload></ns2:Payload><ns0:Payload>'),
    ],
    ['with text', (xml) => resource(xml, '<ns0:Payload>', 'x<ns0:Payload>')],
    ['with text in the payload', (xml) => resource(xml, '<ns0:Payload>', '<ns0:Payload>x')],
    ['without a version', (xml) => resource(xml, / colloquialVersion="[^"]*"/, '')],
    [
      'with a version that is none',
      (xml) => resource(xml, /colloquialVersion="[^"]*"/, 'colloquialVersion="newest"'),
    ],
    ['of an edition that nobody knows', (xml) => resource(xml, 'edition="GPU"', 'edition="NIC"')],
    ['with a value of another type', (xml) => resource(xml, 'type="Measurement"', 'type="File"')],
    ['with an index twice', (xml) => resource(xml, 'index="1"', 'index="0"')],
    ['with an index that is none', (xml) => resource(xml, 'index="1"', 'index="01"')],
    ['with an index behind the last block', (xml) => resource(xml, 'index="1"', 'index="255"')],
    ['with a flag in other words', (xml) => resource(xml, 'active="True"', 'active="true"')],
    ['without a flag', (xml) => resource(xml, 'active="True" ', '')],
    ['with fewer values than it says', (xml) => resource(xml, 'alternatives="1"', 'alternatives="2"')],
    ['with no value', (xml) => resource(xml, 'alternatives="1"', 'alternatives="0"')],
    ['with a value of another name', (xml) => resource(xml, 'ns2:Hash0', 'ns2:Hash1')],
    ['with a value outside of its namespace', (xml) => resource(xml, 'ns2:Hash0', 'Hash0')],
    ['with a shorter value', (xml) => resource(xml, /ns2:Hash0="../, 'ns2:Hash0="')],
    ['with a value that is not hexadecimal', (xml) => resource(xml, /ns2:Hash0="../, 'ns2:Hash0="zz')],
    ['with another size', (xml) => resource(xml, 'size="48"', 'size="32"')],
    ['with nothing that counts', (xml) => xml.replaceAll('active="True"', 'active="False"')],
    [
      'with an element in a value',
      (xml) => resource(xml, '></ns0:Resource>', '><ns0:Meta></ns0:Meta></ns0:Resource>'),
    ],
  ])('is malformed %s', (_what, edit) => {
    expect(() => parseRim(vendor.rim({ editDocument: edit }))).toThrow(malformed)
  })

  it('is read in either spelling of hexadecimal', () => {
    const upper = (xml: string): string =>
      xml.replaceAll(/Hash0="([^"]*)"/g, (_match, value: string) => `Hash0="${value.toUpperCase()}"`)
    expect(parseRim(vendor.rim({ editDocument: upper })).golden).toEqual(parseRim(rims.driver).golden)
    expect(fromUtf8(vendor.rim({ editDocument: upper }))).not.toBe(fromUtf8(rims.driver))
  })
})
