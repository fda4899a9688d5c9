import { describe, expect, it } from 'vitest'
import { concat } from '@sotto/protocol/bytes'
import { type CborKey, type CborValue, encodeCbor } from '@sotto/protocol/cbor'
import { fakeNitro } from '@sotto/testkit/nitro'
import { FAKE_NOW } from '@sotto/testkit/x509'
import { parseNitroDocument, verifyNitro } from '@sotto/verifier/nitro'

const nitro = fakeNitro()
const malformed = expect.objectContaining({ code: 'EVIDENCE_MALFORMED', action: 'fix-input' })
const pcrs = (...entries: [CborKey, CborValue][]): { pcrs: CborValue } => ({ pcrs: new Map(entries) })
const zeros = (length: number): Uint8Array => new Uint8Array(length)

describe('an attestation document', () => {
  it('is read with everything it may have', () => {
    const document = parseNitroDocument(nitro.document())
    expect(document).toMatchObject({
      module_id: 'i-fake-enc0123456789abcdef',
      digest: 'SHA384',
      timestamp: FAKE_NOW * 1000 + 250,
      public_key: Uint8Array.of(1, 2, 3),
      user_data: Uint8Array.of(4, 5, 6),
      nonce: Uint8Array.of(7, 8, 9),
    })
    expect(document.pcrs.size).toBe(16)
    expect(document.cabundle[0]).toEqual(nitro.root.der)
  })

  it.each([undefined, null])('may lack what the program did not ask for, written as %s', (nothing) => {
    const fields = { public_key: nothing, user_data: nothing, nonce: nothing }
    const document = parseNitroDocument(nitro.document({ fields }))
    expect([document.public_key, document.user_data, document.nonce]).toEqual([
      undefined,
      undefined,
      undefined,
    ])
  })

  it('may have its values as long as the specification allows', () => {
    const fields = {
      user_data: zeros(512),
      nonce: zeros(512),
      public_key: zeros(1024),
      ...pcrs([0, zeros(48)], [31, zeros(48)]),
    }
    expect(() => parseNitroDocument(nitro.document({ fields }))).not.toThrow()
    expect(() =>
      parseNitroDocument(nitro.document({ fields: { user_data: zeros(0), nonce: zeros(0) } })),
    ).not.toThrow()
  })

  it.each(['module_id', 'digest', 'timestamp', 'pcrs', 'certificate', 'cabundle'])(
    'is malformed without %s',
    (name) => {
      for (const nothing of [undefined, null])
        expect(() => parseNitroDocument(nitro.document({ fields: { [name]: nothing } }))).toThrow(malformed)
    },
  )

  it.each<[string, Record<string, CborValue>]>([
    ['an unknown field', { extra: 1 }],
    ['an empty module', { module_id: '' }],
    ['a module in bytes', { module_id: Uint8Array.of(1) }],
    ['a long module', { module_id: 'i'.repeat(257) }],
    ['another digest', { digest: 'SHA256' }],
    ['the digest in other letters', { digest: 'sha384' }],
    ['a time of zero', { timestamp: 0 }],
    ['a time before 1970', { timestamp: -1 }],
    ['a time in text', { timestamp: '2026' }],
    ['a time past all dates', { timestamp: 2n ** 63n }],
    ['no registers', pcrs()],
    ['registers in a list', { pcrs: [zeros(48)] }],
    ['a register past the last', pcrs([32, zeros(48)])],
    ['a negative register', pcrs([-1, zeros(48)])],
    ['a register named in text', pcrs(['0', zeros(48)])],
    ['a register of 32 bytes', pcrs([0, zeros(32)])],
    ['a register of 49 bytes', pcrs([0, zeros(49)])],
    ['a register in text', pcrs([0, 'a'.repeat(48)])],
    ['an empty certificate', { certificate: zeros(0) }],
    ['a certificate that is too long', { certificate: zeros(1025) }],
    ['a certificate in a list', { certificate: [zeros(10)] }],
    ['an empty bundle', { cabundle: [] }],
    ['a bundle in bytes', { cabundle: zeros(10) }],
    ['a bundle of text', { cabundle: ['a'] }],
    ['a bundle of ten', { cabundle: Array<Uint8Array>(10).fill(zeros(10)) }],
    ['an empty public key', { public_key: zeros(0) }],
    ['a public key that is too long', { public_key: zeros(1025) }],
    ['user data that is too long', { user_data: zeros(513) }],
    ['user data in text', { user_data: 'text' }],
    ['a nonce that is too long', { nonce: zeros(513) }],
    ['a nonce that is a number', { nonce: 7 }],
  ])('is malformed with %s', (_what, fields) => {
    expect(() => parseNitroDocument(nitro.document({ fields }))).toThrow(malformed)
  })

  it.each<[string, Uint8Array]>([
    ['nothing', zeros(0)],
    ['something in the unprotected header', nitro.document({ unprotectedHeader: new Map([[4, zeros(1)]]) })],
    ['certificates beside it', nitro.document({ unprotectedHeader: new Map([[33, nitro.signer.der]]) })],
    [
      'more than the algorithm in the protected header',
      nitro.document({
        protectedHeader: new Map([
          [1, -35],
          [3, 0],
        ]),
      }),
    ],
    ['another tag', nitro.document({ tag: 98 })],
    ['trailing bytes', concat(nitro.document(), zeros(1))],
    ['more bytes than documents have', nitro.document({ fields: { extra: zeros(20_000) } })],
    [
      'a payload that is no map',
      encodeCbor([encodeCbor(new Map([[1, -35]])), new Map(), encodeCbor([1]), zeros(96)]),
    ],
    ['a payload of two items', encodeCbor([encodeCbor(new Map([[1, -35]])), new Map(), zeros(2), zeros(96)])],
    [
      'a map that does not end',
      encodeCbor([encodeCbor(new Map([[1, -35]])), new Map(), Uint8Array.of(0xbf), zeros(96)]),
    ],
    ['a field twice', encodeCbor([encodeCbor(new Map([[1, -35]])), new Map(), fieldTwice(), zeros(96)])],
  ])('is malformed with %s', (_what, bytes) => {
    expect(() => parseNitroDocument(bytes)).toThrow(malformed)
    const verdict = verifyNitro({ evidence: bytes, collateral: {}, at: FAKE_NOW })
    expect(verdict).toMatchObject({ authentic: false, acceptable: false, reason: 'malformed' })
  })

  it('may have a map without a length, and is then as strict', () => {
    const evidence = nitro.document({ indefinite: true })
    const verdict = verifyNitro({ evidence, collateral: {}, at: FAKE_NOW }, { roots: nitro.roots })
    expect(verdict).toMatchObject({ acceptable: true, reason: null })
    for (const fields of [{ extra: 1 }, { nonce: 7 }, { module_id: undefined }])
      expect(() => parseNitroDocument(nitro.document({ indefinite: true, fields }))).toThrow(malformed)
  })

  it('may have the tag of a COSE message', () => {
    const verdict = verifyNitro(
      { evidence: nitro.document({ tag: 18 }), collateral: {}, at: FAKE_NOW },
      { roots: nitro.roots },
    )
    expect(verdict).toMatchObject({ acceptable: true, fields: { cose_tag: 18 } })
  })
})

/** A map of one entry, made into one of two equal names. */
function fieldTwice(): Uint8Array {
  const entry = encodeCbor(new Map([['module_id', 'a']])).subarray(1)
  return concat(Uint8Array.of(0xa2), entry, entry)
}
