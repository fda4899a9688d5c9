import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { fromHex, fromUtf8, toHex, utf8 } from '@sotto/protocol/bytes'
import { bundleBytes, createFakeIntel } from '@sotto/testkit/dcap'
import { FAKE_NOW } from '@sotto/testkit/x509'
import { parseQuote } from '@sotto/verifier/dcap'
import type { Certificate } from '@sotto/protocol/x509'
import { verifyTdx } from '@sotto/verifier/tdx'
import { bundleMembers } from '../dcap/pieces.ts'
import { hasVectors, loadQuoteVector, vectorFolders } from '../dcap/vectors.ts'

/** A quote that is accepted, with everything it takes. */
interface Accepted {
  evidence: Uint8Array
  bundle: Record<string, string>
  at: number
  roots?: readonly Certificate[]
}

const RUNS = process.env['SLOW'] ? 500 : 60
const intel = createFakeIntel()
const fake = (version: number): Accepted => ({
  evidence: intel.tdQuote({}, { version }),
  bundle: { ...intel.bundle('tdx') },
  at: FAKE_NOW,
  roots: intel.roots,
})
const accepts = ({ evidence, bundle, at, roots }: Accepted): boolean =>
  verifyTdx({ evidence, collateral: bundleBytes(bundle), at }, roots ? { roots } : {}).acceptable

const END = '-----END CERTIFICATE-----'

/** Where the last certificate of the quote begins: the root, of which only the key counts. */
function endOfWhatCounts(quote: Uint8Array): number {
  const { certificationData } = parseQuote(quote).signatureData
  const text = fromUtf8(certificationData)
  const second = text.indexOf(END, text.indexOf(END) + 1) + END.length
  return certificationData.byteOffset - quote.byteOffset + second
}

/** One bit of a member of a bundle, in what it stands for: bytes of hexadecimal, characters, or DER of the first certificate. */
function flipMember(name: string, text: string, position: number): string {
  if (text.startsWith('-----BEGIN')) {
    const end = text.indexOf(END)
    const [head, body] = ['-----BEGIN CERTIFICATE-----\n', text.slice(text.indexOf('\n') + 1, end)]
    const der = flip(new Uint8Array(Buffer.from(body, 'base64')), position)
    return `${head}${Buffer.from(der).toString('base64')}\n${text.slice(end)}`
  }
  if (name.startsWith('tcb_info') || name.startsWith('qe_identity'))
    if (!name.endsWith('signature')) return Buffer.from(flip(utf8(text), position)).toString('latin1')
  return toHex(flip(fromHex(text), position))
}

function flip(bytes: Uint8Array, position: number): Uint8Array {
  const copy = bytes.slice()
  const bit = position % (8 * copy.length)
  copy[bit >> 3]! ^= 1 << (bit & 7)
  return copy
}

function checkBits(accepted: Accepted): void {
  expect(accepts(accepted)).toBe(true)
  const length = endOfWhatCounts(accepted.evidence)
  fc.assert(
    fc.property(fc.nat(8 * length - 1), (bit) => {
      const evidence = accepted.evidence.slice()
      evidence[bit >> 3]! ^= 1 << (bit & 7)
      expect(accepts({ ...accepted, evidence })).toBe(false)
    }),
    { numRuns: RUNS },
  )
  fc.assert(
    fc.property(fc.constantFrom(...Object.keys(accepted.bundle)), fc.nat(), (name, position) => {
      const changed = flipMember(name, accepted.bundle[name]!, position)
      expect(changed).not.toBe(accepted.bundle[name])
      expect(accepts({ ...accepted, bundle: { ...accepted.bundle, [name]: changed } }), name).toBe(false)
    }),
    { numRuns: RUNS },
  )
}

describe('any bit of a quote and its collateral', () => {
  it.each([4, 5])('counts, in version %i', (version) => checkBits(fake(version)))

  it('counts in every field of the header and the body, one by one', () => {
    const accepted = fake(5)
    const { signed } = parseQuote(accepted.evidence)
    for (let at = 0; at < signed.length; at += 7) {
      const evidence = accepted.evidence.slice()
      evidence[at]! ^= 1 << (at % 8)
      expect(accepts({ ...accepted, evidence }), `byte ${at}`).toBe(false)
    }
  })
})

describe('whatever is given', () => {
  it('is judged, never thrown', () => {
    const { evidence, bundle } = fake(4)
    const own = Object.values(bundle).map((text) => utf8(text))
    const piece = fc.oneof(
      fc.uint8Array({ maxLength: 200 }),
      fc.constantFrom(...own),
      fc.tuple(fc.constantFrom(...own), fc.nat()).map(([bytes, position]) => flip(bytes, position)),
      fc.jsonValue().map((value) => utf8(JSON.stringify({ tcb_info: value, pck_crl: value }))),
      fc.jsonValue().map((value) => utf8(JSON.stringify({ tcbInfo: value, signature: value }))),
    )
    const quote = fc.oneof(
      fc.uint8Array({ maxLength: 1000 }),
      fc.nat().map((position) => flip(evidence, position)),
    )
    fc.assert(
      fc.property(quote, fc.dictionary(fc.string(), piece, { maxKeys: 12 }), (bytes, collateral) => {
        const verdict = verifyTdx({ evidence: bytes, collateral, at: FAKE_NOW }, { roots: intel.roots })
        expect(verdict.acceptable).toBe(false)
        expect(verdict.reason).not.toBe(null)
      }),
      { numRuns: RUNS },
    )
  })
})

describe.skipIf(!hasVectors('tdx'))(
  'quotes of real TDs (skipped: SOTTO_VECTORS has no attestation/tdx)',
  () => {
    it.each(vectorFolders('tdx', 'collateral.json').filter((name) => /uptodate(-20a06f)?$/.test(name)))(
      '%s counts with every bit',
      (name) => {
        const { evidence, collateral, at } = loadQuoteVector('tdx', name)
        checkBits({ evidence, bundle: bundleMembers(collateral['collateral.json']!), at })
      },
    )
  },
)
