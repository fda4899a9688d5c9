import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { concat, fromUtf8, toBase64Url, utf8 } from '@sotto/protocol/bytes'
import { SottoError } from '@sotto/protocol/errors'
import { fakeBoundData, fakeHclReport, fakeRuntimeData } from '@sotto/testkit/tpm'
import { parseAzureEvidence, parseHclReport, parseRuntimeData } from '@sotto/verifier/azure-cvm'
import { chip, failures, flip, judge, nonce, snpEvidence, vtpm } from './world.ts'

const RUNS = process.env['SLOW'] ? 2000 : 60
const ours = expect.any(SottoError) as SottoError
const malformed = expect.objectContaining({ code: 'EVIDENCE_MALFORMED', action: 'fix-input' })
const runtimeData = fakeRuntimeData(vtpm.key)
const report = fakeHclReport(chip.report({ reportData: fakeBoundData(runtimeData) }), runtimeData)
const END = 1236 + runtimeData.length

/** A report with a little-endian number changed. */
function word(at: number, value: number, of: Uint8Array = report): Uint8Array {
  const changed = of.slice()
  new DataView(changed.buffer).setUint32(at, value, true)
  return changed
}

describe('an HCL report', () => {
  it('is cut where its header says', () => {
    const { type, hash, hardwareReport, runtimeData: found, reportData } = parseHclReport(report)
    expect({ type, hash: hash.title, found }).toEqual({ type: 'SNP', hash: 'SHA-256', found: runtimeData })
    expect(hardwareReport).toHaveLength(1184)
    expect(reportData).toEqual(fakeBoundData(runtimeData))
    expect(parseHclReport(word(4, 1)).type).toBe('SNP')
  })

  it.each<[string, Uint8Array]>([
    ['nothing', new Uint8Array(0)],
    ['a header alone', report.subarray(0, 1235)],
    ['more than any index holds', concat(report, new Uint8Array(16_384))],
    ['another signature', word(0, 0x414c4349)],
    ['version 0', word(4, 0)],
    ['version 3', word(4, 3)],
    ['another report size', word(8, END + 1)],
    ['another request', word(12, 1)],
    ['a status', word(16, 1)],
    ['reserved bytes', word(28, 1)],
    ['request data of version 2', word(1220, 2)],
    ['a report of VBS', word(1224, 1)],
    ['no hash', word(1228, 0)],
    ['an unknown hash', word(1228, 4)],
    ['another data size', word(1216, 19)],
    ['no runtime data', fakeHclReport(new Uint8Array(1184), new Uint8Array(0))],
    ['runtime data past the end', word(1232, 5000)],
    ['runtime data that ends too early', word(1232, runtimeData.length - 1)],
    ['something behind the runtime data', report.with(report.length - 1, 1)],
    ['a TDREPORT that is too long', word(1224, 4).with(1200, 1)],
  ])('is malformed with %s', (_what, bytes) => {
    expect(() => parseHclReport(bytes)).toThrow(malformed)
  })
})

describe('runtime data', () => {
  const text = fromUtf8(runtimeData)
  const key = JSON.parse(text).keys[0] as Record<string, unknown>
  const changedTo = (change: Record<string, unknown>): string =>
    JSON.stringify({ ...JSON.parse(text), ...change })

  it.each<[string, string]>([
    ['no JSON', text.slice(1)],
    ['a list', '[]'],
    ['a name twice', text.replace('"keys"', '"user-data":"","keys"')],
    ['no keys', changedTo({ keys: undefined })],
    ['keys that are no list', changedTo({ keys: {} })],
    ['no attestation key', changedTo({ keys: [] })],
    ['two attestation keys', changedTo({ keys: [key, key] })],
    ['too many keys', changedTo({ keys: Array.from({ length: 9 }, () => key) })],
    ['a key without a name', changedTo({ keys: [{ ...key, kid: 1 }] })],
    ['a key of another type', changedTo({ keys: [{ ...key, kty: 'EC' }] })],
    ['a modulus that is not base64url', changedTo({ keys: [{ ...key, n: 'a+b/' }] })],
    ['no configuration', changedTo({ 'vm-configuration': undefined })],
    ['a configuration that is a list', changedTo({ 'vm-configuration': [] })],
    ['user data that is no text', changedTo({ 'user-data': 1 })],
    ['user data that is not hexadecimal', changedTo({ 'user-data': 'xx' })],
    ['user data that is too long', changedTo({ 'user-data': '00'.repeat(65) })],
    ['half a byte of user data', changedTo({ 'user-data': '000' })],
    ['nesting without end', changedTo({ other: JSON.parse('['.repeat(30) + ']'.repeat(30)) as unknown })],
  ])('is malformed with %s', (_what, json) => {
    expect(() => parseRuntimeData(utf8(json))).toThrow(ours)
  })

  it('is malformed where it is not UTF-8', () => {
    expect(() => parseRuntimeData(Uint8Array.of(0xff))).toThrow(ours)
  })

  it('whose key is out of bounds verifies nothing', () => {
    const weak = { ...vtpm.key, modulus: vtpm.key.modulus.subarray(0, 64) }
    const verdict = judge(snpEvidence({ runtimeData: fakeRuntimeData(weak) }))
    expect(failures(verdict)).toEqual([['azure-cvm.quote-signature', 'signature']])
  })
})

describe('a document', () => {
  const document = JSON.parse(fromUtf8(snpEvidence())) as Record<string, Record<string, unknown>>
  const { tpm_quote: quote } = document
  const changed = (members: Record<string, unknown>): Uint8Array =>
    utf8(JSON.stringify({ ...document, ...members }))

  it('of each version is read', () => {
    const parts = vtpm.quote(nonce)
    const old = {
      message: [...parts.message],
      signature: [...parts.signature],
      pcrs: parts.pcrs.map((one) => [...one]),
    }
    const expected = { hclReport: report, tpmQuote: parts }
    const read = (value: unknown) => parseAzureEvidence(utf8(JSON.stringify(value)))
    const v0 = read({ quote: old, report: [...report], vcek: chip.leaf.pem })
    expect(v0).toMatchObject({ ...expected, version: 0, vcek: utf8(chip.leaf.pem) })
    const tdx0 = read({ tpm_quote: old, hcl_report: [...report], td_quote: [4, 0] })
    expect(tdx0).toMatchObject({ ...expected, version: 0, tdQuote: Uint8Array.of(4, 0), vcek: undefined })
    const base = { tpm_quote: quote, hcl_report: toBase64Url(report) }
    expect(read({ version: 2, ...base, td_quote: 'BAA' })).toMatchObject({
      ...expected,
      version: 2,
      tdQuote: Uint8Array.of(4, 0),
    })
    expect(read({ version: 1, ...base, td_quote: 'BAA=' }).tdQuote).toEqual(Uint8Array.of(4, 0))
    expect(read({ version: 1, ...base })).toMatchObject({ ...expected, vcek: undefined, tdQuote: undefined })
    expect(parseAzureEvidence(report)).toMatchObject({ version: 'report', hclReport: report })
  })

  it.each<[string, Uint8Array]>([
    ['nothing', new Uint8Array(0)],
    ['bytes that are no text', Uint8Array.of(0xff, 0xfe)],
    ['no JSON', utf8('{')],
    ['a list', utf8('[]')],
    ['null', utf8('null')],
    ['version 3', changed({ version: 3 })],
    ['version 0 in the form of version 1', changed({ version: 0 })],
    ['a version that is text', changed({ version: '1' })],
    ['an unknown member', changed({ other: 1 })],
    ['a name twice', utf8(fromUtf8(changed({})).replace('{', '{"version":1,'))],
    ['both kinds of hardware', changed({ td_quote: 'BAA' })],
    ['no report', changed({ hcl_report: undefined })],
    ['no quote', changed({ tpm_quote: undefined })],
    ['a report in another alphabet', changed({ hcl_report: 'a+b/' })],
    ['a report padded too much', changed({ hcl_report: 'AA===' })],
    ['padding inside', changed({ hcl_report: 'A=AA' })],
    ['a message in upper case', changed({ tpm_quote: { ...quote, message: 'FF' } })],
    ['half a byte', changed({ tpm_quote: { ...quote, message: 'fff' } })],
    ['a register that is a number', changed({ tpm_quote: { ...quote, pcrs: [1] } })],
    [
      'too many registers',
      changed({ tpm_quote: { ...quote, pcrs: Array.from({ length: 33 }, () => 'aa') } }),
    ],
    [
      'a byte of 256',
      utf8(JSON.stringify({ quote: { message: [256], signature: [], pcrs: [] }, report: [], vcek: 'x' })),
    ],
    [
      'a fraction of a byte',
      utf8(JSON.stringify({ quote: { message: [0.5], signature: [], pcrs: [] }, report: [], vcek: 'x' })),
    ],
    ['more than any document', utf8(' '.repeat(524_289))],
  ])('is malformed with %s', (_what, bytes) => {
    expect(() => parseAzureEvidence(bytes)).toThrow(ours)
    expect(judge(bytes)).toMatchObject({ authentic: false, acceptable: false, reason: 'malformed' })
  })

  it('about other hardware is refused', () => {
    const other = fakeHclReport(new Uint8Array(1024), runtimeData, { type: 'TDX' })
    const verdict = judge(changed({ hcl_report: toBase64Url(other) }))
    expect(failures(verdict)).toContainEqual(['azure-cvm.hcl-report', 'malformed'])
  })

  it('with any bit flipped is refused', () => {
    const evidence = snpEvidence({ version: 2, userData: concat(nonce, new Uint8Array(16)) })
    expect(judge(evidence).acceptable).toBe(true)
    fc.assert(
      fc.property(fc.nat(evidence.length * 8 - 1), (bit) => {
        expect(judge(flip(evidence, bit)).authentic).toBe(false)
      }),
      { numRuns: RUNS },
    )
  })

  it('whatever is given beside it, is judged without an exception', () => {
    const piece = fc.oneof(
      fc.uint8Array({ maxLength: 200 }),
      fc.constant(chip.leaf.der),
      fc.constant(utf8('-----BEGIN CERTIFICATE-----')),
    )
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 300 }),
        fc.dictionary(fc.string(), piece, { maxKeys: 4 }),
        (evidence, collateral) => {
          expect(judge(evidence, { collateral }).acceptable).toBe(false)
        },
      ),
      { numRuns: RUNS },
    )
  })
})
