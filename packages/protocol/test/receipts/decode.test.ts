import { beforeAll, describe, expect, it } from 'vitest'
import { fromBase64Url, fromUtf8, toBase64Url, utf8 } from '@sotto/protocol/bytes'
import { encodeTrustBundle, type ProvenStatement, type TrustBundle } from '@sotto/protocol/evidence'
import { canonicalJson } from '@sotto/protocol/jcs'
import {
  encodeReceiptTrailer,
  MAX_SAVED_RECEIPT_BYTES,
  parseReceiptCertificate,
  parseReceiptTrailer,
  parseSavedReceipt,
  type SavedReceipt,
} from '@sotto/protocol/receipts'
import { createReceipt, createWorld } from '@sotto/testkit'

let saved: SavedReceipt
let bundle: TrustBundle
beforeAll(async () => {
  const world = await createWorld()
  ;({ bundle } = world)
  ;({ saved } = await createReceipt(world))
})
const field = expect.objectContaining({ code: 'JCS_FIELD' })
const malformed = expect.objectContaining({ code: 'JCS_MALFORMED' })
/** A statement of so many characters. */
const big = (length: number): ProvenStatement => ({ envelope: 'x'.repeat(length), index: 0, proof: [] })

describe('a saved receipt', () => {
  it('is read as it was written', () => {
    expect(parseSavedReceipt(canonicalJson(saved))).toEqual(saved)
    expect(parseReceiptCertificate(canonicalJson(saved.certificate))).toEqual(saved.certificate)
  })

  it.each<[string, (receipt: SavedReceipt) => object]>([
    ['another version', (receipt) => ({ ...receipt, version: 2 })],
    ['no certificate', ({ certificate: _gone, ...rest }) => rest],
    ['a short salt', (receipt) => ({ ...receipt, salt: 'AAAA' })],
    ['an unknown member', (receipt) => ({ ...receipt, plaintext: 'x' })],
    [
      'a proof longer than any tree',
      (receipt) => ({
        ...receipt,
        certificate: {
          ...receipt.certificate,
          genesis: {
            ...receipt.certificate.genesis,
            proof: Array.from({ length: 55 }, () => 'ab'.repeat(32)),
          },
        },
      }),
    ],
  ])('is refused with %s', (_what, change) => {
    expect(() => parseSavedReceipt(canonicalJson(change(saved)))).toThrow(field)
  })

  it('is refused with white space and past its bound', () => {
    expect(() => parseSavedReceipt(utf8(JSON.stringify(saved, null, 1)))).toThrow(malformed)
    expect(() => parseSavedReceipt(new Uint8Array(MAX_SAVED_RECEIPT_BYTES + 1))).toThrow(malformed)
  })
})

describe('a saved receipt with its trust bundle', () => {
  const withTrust = (trust: unknown): Uint8Array => canonicalJson({ ...saved, trust } as object)

  it('is read as it was written, and the bundle with the bytes that were judged', () => {
    const read = parseSavedReceipt(withTrust(bundle))
    expect(read).toEqual({ ...saved, trust: bundle })
    expect(encodeTrustBundle(read.trust!)).toEqual(encodeTrustBundle(bundle))
    expect(parseSavedReceipt(canonicalJson(saved))).not.toHaveProperty('trust')
  })

  it.each<[string, (trust: TrustBundle) => unknown]>([
    ['nothing', () => null],
    ['no object', () => 'bundle'],
    ['a list', (trust) => [trust]],
    ['bytes', (trust) => toBase64Url(encodeTrustBundle(trust))],
    ['an empty object', () => ({})],
    ['another version', (trust) => ({ ...trust, version: 2 })],
    ['no checkpoint', ({ checkpoint: _gone, ...rest }) => rest],
    ['no evidence', (trust) => ({ ...trust, kms: { ...trust.kms, evidence: [] } })],
    [
      'no collateral',
      (trust) => ({
        ...trust,
        kms: { ...trust.kms, evidence: [{ ...trust.kms.evidence[0], collateral: null }] },
      }),
    ],
    ['no release', (trust) => ({ ...trust, releases: [] })],
    [
      'too many releases',
      (trust) => ({ ...trust, releases: Array.from({ length: 33 }, () => trust.releases[0]) }),
    ],
    ['an unknown member', (trust) => ({ ...trust, trust })],
    [
      'a proof longer than any tree',
      (trust) => ({
        ...trust,
        keySet: { ...trust.keySet, proof: Array.from({ length: 55 }, () => 'ab'.repeat(32)) },
      }),
    ],
    ['an index below zero', (trust) => ({ ...trust, policy: { ...trust.policy, index: -1 } })],
    ['a statement without proof', (trust) => ({ ...trust, genesis: { envelope: '{}', index: 0 } })],
  ])('is refused where that is %s', (_what, change) => {
    expect(() => parseSavedReceipt(withTrust(change(bundle)))).toThrow(field)
  })

  it('is refused with the member twice, out of order, or in another spelling', () => {
    const text = fromUtf8(withTrust(bundle))
    const member = text.slice(text.indexOf(',"trust":'), text.lastIndexOf(',"version"'))
    const first = `{${member.slice(1)},${text.replace(member, '').slice(1)}`
    for (const wrong of [text.replace(member, member + member), first, text.replace('"trust":', '"trust": ')])
      expect(() => parseSavedReceipt(utf8(wrong)), wrong.slice(0, 20)).toThrow(malformed)
  })

  it('gives no part the room of another', () => {
    const much = { ...bundle, releases: Array.from({ length: 32 }, () => big(40_000)) }
    expect(() => parseSavedReceipt(withTrust(much))).toThrow(malformed)
    const most = { ...bundle, releases: Array.from({ length: 16 }, () => big(60_000)) }
    expect(parseSavedReceipt(withTrust(most)).trust).toEqual(most)
    const certificate = { ...saved.certificate, roots: Array.from({ length: 16 }, () => big(40_000)) }
    for (const trust of [undefined, bundle])
      expect(() =>
        parseSavedReceipt(canonicalJson({ ...saved, certificate, ...(trust && { trust }) })),
      ).toThrow(malformed)
  })
})

describe('a receipt trailer', () => {
  it('is read as it was written', () => {
    const trailer = { envelope: saved.envelope, salt: saved.salt }
    expect(parseReceiptTrailer(encodeReceiptTrailer(trailer))).toEqual(trailer)
  })

  it('is refused in any other spelling', () => {
    const value = encodeReceiptTrailer({ envelope: saved.envelope, salt: saved.salt })
    for (const wrong of ['', `${value}=`, ` ${value}`, value.slice(0, -1), toBase64Url(utf8('{}'))])
      expect(() => parseReceiptTrailer(wrong), wrong.slice(0, 8)).toThrow(
        expect.objectContaining({ code: expect.stringMatching(/^(JCS|BYTES)_/) as string }),
      )
    expect(() => parseReceiptTrailer('A'.repeat(100_000))).toThrow(
      expect.objectContaining({ code: 'JCS_MALFORMED' }),
    )
    const bytes = fromBase64Url(value)
    bytes[0] = 0x20
    expect(() => parseReceiptTrailer(toBase64Url(bytes))).toThrow()
  })
})
