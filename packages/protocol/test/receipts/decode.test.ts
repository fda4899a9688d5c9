import { beforeAll, describe, expect, it } from 'vitest'
import { fromBase64Url, toBase64Url, utf8 } from '@sotto/protocol/bytes'
import { canonicalJson } from '@sotto/protocol/jcs'
import {
  encodeReceiptTrailer,
  parseReceiptCertificate,
  parseReceiptTrailer,
  parseSavedReceipt,
  type SavedReceipt,
} from '@sotto/protocol/receipts'
import { createReceipt, createWorld } from '@sotto/testkit'

let saved: SavedReceipt
beforeAll(async () => {
  ;({ saved } = await createReceipt(await createWorld()))
})
const field = expect.objectContaining({ code: 'JCS_FIELD' })

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
    const malformed = expect.objectContaining({ code: 'JCS_MALFORMED' })
    expect(() => parseSavedReceipt(utf8(JSON.stringify(saved, null, 1)))).toThrow(malformed)
    expect(() => parseSavedReceipt(new Uint8Array(524_289))).toThrow(malformed)
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
