import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { concat, fromUtf8, toHex } from '@sotto/protocol/bytes'
import { createFakeIntel, fakeTdBody, type FakeQuoteOptions } from '@sotto/testkit/dcap'
import { parseQuote } from '@sotto/verifier/dcap'
import { parseTdQuote } from '@sotto/verifier/tdx'

const RUNS = process.env['SLOW'] ? 2000 : 100
const malformed = expect.objectContaining({ code: 'EVIDENCE_MALFORMED', action: 'fix-input' })
const intel = createFakeIntel()
const td = (options: FakeQuoteOptions = {}): Uint8Array => intel.tdQuote({}, options)
const [sgx, tdx4, tdx5] = [intel.sgxQuote(), td(), td({ version: 5 })]
const changed = (quote: Uint8Array, at: number, ...values: number[]): Uint8Array => {
  const copy = quote.slice()
  copy.set(values, at)
  return copy
}
const DATA_LENGTH = { sgx: 48 + 384, tdx4: 48 + 584, tdx5: 54 + 648 }

describe('the layout of quotes', () => {
  it('is told apart by version, TEE type and body type', () => {
    expect(parseQuote(sgx)).toMatchObject({ bodyKind: 'SGX', bodyType: null, header: { version: 3 } })
    expect(parseQuote(intel.sgxQuote({}, { version: 4 }))).toMatchObject({ bodyKind: 'SGX', bodyType: null })
    expect(parseQuote(intel.sgxQuote({}, { version: 5 }))).toMatchObject({ bodyKind: 'SGX', bodyType: 1 })
    expect(parseQuote(tdx4)).toMatchObject({ bodyKind: 'TD10', bodyType: null, header: { teeType: 0x81 } })
    expect(parseQuote(tdx5)).toMatchObject({ bodyKind: 'TD15', bodyType: 3 })
  })

  it('gives the certification data of the platform, nested from version 4 on', () => {
    for (const quote of [sgx, tdx4, tdx5]) {
      const { certificationType, certificationData } = parseQuote(quote).signatureData
      expect(certificationType).toBe(5)
      expect(fromUtf8(certificationData)).toContain(intel.pck.pem)
    }
  })

  it('keeps what follows apart, whatever it is', () => {
    expect(parseQuote(concat(tdx4, new Uint8Array(3065))).trailing).toEqual(new Uint8Array(3065))
    expect(parseQuote(concat(sgx, Uint8Array.of(1))).trailing).toEqual(Uint8Array.of(1))
  })

  it('returns what a TD report was made of', () => {
    const field = (length: number) => fc.uint8Array({ minLength: length, maxLength: length })
    fc.assert(
      fc.property(field(48), field(48), field(64), field(16), (MRTD, MRSERVICETD, REPORTDATA, SVN) => {
        const fields = { MRTD, MRSERVICETD, REPORTDATA, TEE_TCB_SVN_2: SVN }
        const { report } = parseTdQuote(intel.tdQuote(fields, { version: 5 }))
        expect(report).toMatchObject(fields)
        expect(toHex(parseQuote(intel.tdQuote(fields)).body)).toBe(toHex(fakeTdBody('TD10', fields)))
      }),
      { numRuns: 10 },
    )
  })

  it.each<[string, Uint8Array]>([
    ['nothing', new Uint8Array(0)],
    ['a header only', tdx4.subarray(0, 48)],
    ['a version 5 without descriptor', tdx5.subarray(0, 50)],
    ['too many bytes', concat(tdx4, new Uint8Array(65_536))],
    ['version 2', changed(tdx4, 0, 2)],
    ['version 6', changed(tdx4, 0, 6)],
    ['version 260', changed(tdx4, 0, 4, 1)],
    ['attestation key type 3', changed(tdx4, 2, 3)],
    ['an unknown TEE', changed(tdx4, 4, 0x82)],
    ['a TEE type in version 3', changed(sgx, 4, 0x81)],
    ['an unknown body type', changed(tdx5, 48, 4)],
    ['the body type of an enclave in a TD', changed(tdx5, 48, 1)],
    ['another body size than its type has', changed(tdx5, 50, 0x48)],
    ['a signature longer than the rest', changed(tdx4, DATA_LENGTH.tdx4, 0xff, 0xff)],
    ['an enormous signature', changed(tdx4, DATA_LENGTH.tdx4, 0xff, 0xff, 0xff, 0xff)],
    ['a signature of no bytes', changed(tdx4, DATA_LENGTH.tdx4, 0, 0)],
    ['certification data of another type outside', changed(tdx4, DATA_LENGTH.tdx4 + 4 + 128, 5)],
    ['certification data of type 4', td({ certificationType: 4 })],
    ['certification data of type 7', td({ certificationType: 7 })],
    ['reserved bytes in the report of the quoting enclave', changed(sgx, DATA_LENGTH.sgx + 4 + 128 + 20, 1)],
  ])('is malformed with %s', (_what, quote) => {
    expect(() => parseQuote(quote)).toThrow(malformed)
  })

  it('is malformed at every shorter length', () => {
    for (const quote of [sgx, tdx4, tdx5])
      for (let length = 0; length < quote.length; length++)
        expect(() => parseQuote(quote.subarray(0, length))).toThrow(malformed)
  })

  it('is malformed with a length inside that is one off', () => {
    const inner = DATA_LENGTH.tdx4 + 4 + 128
    const certificationSize = inner + 6 + 448 + 2 + 32 + 2
    const view = new DataView(tdx4.buffer, tdx4.byteOffset)
    for (const at of [inner + 2, certificationSize])
      for (const delta of [-1, 1]) {
        const value = view.getUint32(at, true) + delta
        const quote = changed(tdx4, at, value & 0xff, (value >> 8) & 0xff)
        expect(() => parseQuote(quote)).toThrow(malformed)
      }
  })

  it('never fails in another way', () => {
    const quotes = fc.constantFrom(sgx, tdx4, tdx5)
    fc.assert(
      fc.property(quotes, fc.nat(5000), fc.uint8Array({ maxLength: 8 }), (quote, at, values) => {
        const bytes = quote.slice()
        bytes.set(values, Math.min(at, bytes.length - 8))
        try {
          parseQuote(bytes)
        } catch (error) {
          expect(error).toEqual(malformed)
        }
      }),
      { numRuns: RUNS },
    )
  })
})
