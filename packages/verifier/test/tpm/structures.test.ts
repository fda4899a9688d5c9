import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { concat, fromHex, uint } from '@sotto/protocol/bytes'
import { crypto } from '@sotto/protocol/crypto-backend'
import { SottoError } from '@sotto/protocol/errors'
import { fakeRsaKey, fakeSelection, fakeVtpm } from '@sotto/testkit/tpm'
import {
  isAttestationKey,
  isSignedWith,
  objectName,
  parseQuote,
  parseRsaPublic,
  parseSignature,
  pcrDigest,
  quotedBank,
  readPcrSelections,
  TPM_ALG,
  TpmReader,
} from '@sotto/verifier/tpm'

const RUNS = process.env['SLOW'] ? 5000 : 300
const malformed = expect.objectContaining({ code: 'EVIDENCE_MALFORMED' })
const ours = expect.any(SottoError) as SottoError
const vtpm = fakeVtpm()
const nonce = new Uint8Array(48).fill(6)
const { message, signature, pcrs } = vtpm.quote(nonce)
const sized = (bytes: Uint8Array): Uint8Array => concat(uint(bytes.length, 2), bytes)
const changed = (bytes: Uint8Array, at: number, value: number): Uint8Array => bytes.with(at, value)

describe('a quote', () => {
  it('says what it was asked for', () => {
    expect(parseQuote(message)).toMatchObject({
      extraData: nonce,
      clockInfo: { clock: 123_456n << 16n, resetCount: 2, restartCount: 1, safe: true },
      firmwareVersion: 0x20200312_00120003n,
      pcrSelect: [{ hash: TPM_ALG.SHA256, indices: Array.from({ length: 24 }, (_, index) => index) }],
      pcrDigest: pcrDigest('sha256', pcrs),
      signed: message,
    })
  })

  it('of a real TPM is read to its last byte', () => {
    // Azure, AMD Milan, published by confidential-containers/trustee (Apache-2.0).
    const real = fromHex(
      'ff54434780180022000bbf15d1053b33c81c80e3f9892b1f359474102661abfabf2889dbbca9ab2b445900096368616c6c656e67650000000000359bae0000000200000000012020031200120003' +
        '00000001000b03ffffff0020cfa3a9112493e8c8741c1d895ced6d05a9ea19a24a02a44a8b02eaf22a1b143f',
    )
    expect(new TextDecoder().decode(parseQuote(real).extraData)).toBe('challenge')
  })

  it.each<[string, Uint8Array]>([
    ['nothing', new Uint8Array(0)],
    ['bytes that a TPM did not make', vtpm.quote(nonce, { magic: 0xff544346 }).message],
    ['a certification instead', vtpm.quote(nonce, { type: 0x8017 }).message],
    ['another session tag', vtpm.quote(nonce, { type: 0x8002 }).message],
    ['extraData that is too long', vtpm.quote(new Uint8Array(67)).message],
    ['a digest that is too long', vtpm.quote(nonce, { pcrDigest: new Uint8Array(65) }).message],
    ['a clock neither safe nor unsafe', changed(message, 2 + 4 + 36 + 50 + 16, 2)],
    [
      'a bank twice',
      vtpm.quote(nonce, {
        selection: concat(uint(2, 4), fakeSelection([0]).subarray(4), fakeSelection([1]).subarray(4)),
      }).message,
    ],
    ['too many banks', vtpm.quote(nonce, { selection: uint(17, 4) }).message],
    [
      'a bitmap that is too long',
      vtpm.quote(nonce, { selection: concat(uint(1, 4), uint(0x0b, 2), uint(5, 1), new Uint8Array(5)) })
        .message,
    ],
  ])('is malformed with %s', (_what, bytes) => {
    expect(() => parseQuote(bytes)).toThrow(ours)
  })

  it('is malformed at every other length', () => {
    for (let length = 0; length < message.length; length++)
      expect(() => parseQuote(message.subarray(0, length))).toThrow(ours)
    expect(() => parseQuote(concat(message, uint(0, 1)))).toThrow(
      expect.objectContaining({ code: 'BYTES_TRAILING' }),
    )
  })

  it('with any bit flipped is not what was signed', () => {
    fc.assert(
      fc.property(fc.nat(message.length - 1), fc.nat(7), (at, bit) => {
        expect(
          isSignedWith(vtpm.key, 'sha256', changed(message, at, message[at]! ^ (1 << bit)), signature),
        ).toBe(false)
      }),
      { numRuns: RUNS },
    )
    expect(isSignedWith(vtpm.key, 'sha256', message, signature)).toBe(true)
  })

  it('whatever its bytes are is read or refused with an error of ours', () => {
    fc.assert(
      fc.property(fc.nat(message.length - 1), fc.nat(255), fc.nat(200), (at, value, length) => {
        try {
          parseQuote(changed(message, at, value).subarray(0, message.length - length))
        } catch (error) {
          expect(error).toBeInstanceOf(SottoError)
        }
      }),
      { numRuns: RUNS },
    )
  })
})

describe('a selection of registers', () => {
  const read = (bytes: Uint8Array) => readPcrSelections(new TpmReader(bytes))

  it('names them by bank', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.nat(23)), (indices) => {
        const sorted = indices.toSorted((a, b) => a - b)
        expect(read(fakeSelection(indices))).toEqual([{ hash: TPM_ALG.SHA256, indices: sorted }])
      }),
      { numRuns: RUNS },
    )
  })

  it.each<[string, readonly Parameters<typeof quotedBank>[0][number][], string | undefined]>([
    ['of SHA-256', [{ hash: TPM_ALG.SHA256, indices: [7] }], 'sha256'],
    [
      'of SHA-384 beside an empty bank',
      [
        { hash: TPM_ALG.SHA1, indices: [] },
        { hash: TPM_ALG.SHA384, indices: [7] },
      ],
      'sha384',
    ],
    ['of SHA-1', [{ hash: TPM_ALG.SHA1, indices: [7] }], undefined],
    ['of nothing', [{ hash: TPM_ALG.SHA256, indices: [] }], undefined],
    [
      'of two banks',
      [
        { hash: TPM_ALG.SHA256, indices: [7] },
        { hash: TPM_ALG.SHA384, indices: [7] },
      ],
      undefined,
    ],
  ])('%s is of one bank, or of none', (_what, selections, hash) => {
    expect(quotedBank(selections)?.hash).toBe(hash)
  })
})

describe('TPMT_SIGNATURE', () => {
  const bytes = concat(uint(TPM_ALG.RSASSA, 2), uint(TPM_ALG.SHA256, 2), sized(signature))
  it('is read for RSASSA with SHA-2', () => {
    expect(parseSignature(bytes)).toEqual({ scheme: 'rsassa', hash: 'sha256', signature })
  })

  it.each<[string, Uint8Array]>([
    ['RSAPSS', concat(uint(TPM_ALG.RSAPSS, 2), bytes.subarray(2))],
    ['ECDSA', concat(uint(TPM_ALG.ECDSA, 2), bytes.subarray(2))],
    ['none', concat(uint(TPM_ALG.NULL, 2), bytes.subarray(2))],
    ['SHA-1', concat(uint(TPM_ALG.RSASSA, 2), uint(TPM_ALG.SHA1, 2), sized(signature))],
    ['a key of 8192 bits', concat(bytes.subarray(0, 4), sized(new Uint8Array(1024)))],
  ])('is refused for %s', (_what, other) => {
    expect(() => parseSignature(other)).toThrow(malformed)
  })

  it('by another key or of another hash does not verify', () => {
    expect(isSignedWith(fakeRsaKey(), 'sha256', message, signature)).toBe(false)
    expect(isSignedWith(vtpm.key, 'sha384', message, signature)).toBe(false)
    expect(isSignedWith(vtpm.key, 'sha256', message, vtpm.key.sign(message, 'sha1'))).toBe(false)
    expect(isSignedWith(vtpm.key, 'sha256', message, new Uint8Array(0))).toBe(false)
  })
})

describe('TPMT_PUBLIC of an RSA key', () => {
  const AK = 0x00050072
  const area = ({
    attributes = AK,
    keyBits = 2048,
    exponent = 0,
    scheme = concat(uint(0x14, 2), uint(0x0b, 2)),
    modulus = vtpm.key.modulus,
    symmetric = uint(0x10, 2),
    type = 1,
  } = {}) =>
    concat(
      uint(type, 2),
      uint(0x0b, 2),
      uint(attributes, 4),
      sized(new Uint8Array(0)),
      symmetric,
      scheme,
      uint(keyBits, 2),
      uint(exponent, 4),
      sized(modulus),
    )

  it('is the key that signs', () => {
    const { key, scheme } = parseRsaPublic(area())
    expect(isSignedWith(key, 'sha256', message, signature)).toBe(true)
    expect(key.exponent).toEqual(Uint8Array.of(1, 0, 1))
    expect(scheme).toEqual({ algorithm: TPM_ALG.RSASSA, hash: TPM_ALG.SHA256 })
    expect(parseRsaPublic(area({ exponent: 3 })).key.exponent).toEqual(Uint8Array.of(3))
  })

  it('has a name that its bytes decide', () => {
    expect(objectName(area(), TPM_ALG.SHA256)).toEqual(concat(uint(TPM_ALG.SHA256, 2), crypto.sha256(area())))
    expect(() => objectName(area(), TPM_ALG.SHA1)).toThrow(malformed)
  })

  it.each([
    ['of a cloud', AK, true],
    ['that signs what it is given', AK & ~(1 << 16), false],
    ['that also decrypts', AK | (1 << 17), false],
    ['that could be exported', AK & ~(1 << 1), false],
    ['that came from outside', AK & ~(1 << 5), false],
    ['that does not sign', AK & ~(1 << 18), false],
  ])('%s is an attestation key, or not', (_what, attributes, expected) => {
    expect(isAttestationKey(parseRsaPublic(area({ attributes })))).toBe(expected)
  })

  it('of a storage key names its cipher', () => {
    const storage = {
      symmetric: concat(uint(6, 2), uint(128, 2), uint(0x43, 2)),
      scheme: uint(0x10, 2),
      attributes: 0x00030072,
    }
    expect(parseRsaPublic(area(storage)).scheme).toBeUndefined()
  })

  it.each<[string, Uint8Array]>([
    ['another type', area({ type: 0x23 })],
    ['reserved attributes', area({ attributes: AK | 1 })],
    ['another cipher', area({ symmetric: concat(uint(0x26, 2), uint(128, 2), uint(0x43, 2)) })],
    ['another scheme', area({ scheme: concat(uint(0x18, 2), uint(0x0b, 2)) })],
    ['1024 bits', area({ keyBits: 1024, modulus: vtpm.key.modulus.subarray(0, 128) })],
    ['a shorter modulus than it says', area({ modulus: vtpm.key.modulus.subarray(1) })],
    ['a modulus with a leading zero', area({ modulus: vtpm.key.modulus.with(0, 0) })],
    ['trailing bytes', concat(area(), uint(0, 1))],
  ])('is malformed with %s', (_what, bytes) => {
    expect(() => parseRsaPublic(bytes)).toThrow(ours)
  })
})
