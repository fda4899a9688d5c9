import { concat, equalBytes, fromHex } from '../bytes/index.ts'
import { publicCrypto, type RsaPublicKey, type VerifyingKey } from '../crypto-backend/index.ts'
import { tokenError } from './errors.ts'
import { PSS_SALT_LENGTH } from './blind-rsa.ts'

/** Length of modulus, blinded message and signature of token type 2 (RFC 9578 Section 6). */
export const MODULUS_LENGTH = 256

/**
 * SubjectPublicKeyInfo up to the modulus, with the algorithm id-RSASSA-PSS, SHA-384, MGF1-SHA-384 and a salt of 48
 * (RFC 9578 Section 6.5, Figure 12). Exactly one spelling is accepted, so that a key has exactly one identifier.
 */
const BEFORE_MODULUS: Uint8Array = fromHex(
  '30820152303d06092a864886f70d01010a3030a00d300b0609608648016503040202a11a301806092a864886f70d010108' +
    '300b0609608648016503040202a2030201300382010f003082010a0282010100',
)
/** INTEGER 65537: the one exponent we accept, and the one issuers use. */
const AFTER_MODULUS: Uint8Array = fromHex('0203010001')
const EXPONENT: Uint8Array = fromHex('010001')

/** Bytes of an encoded token key. */
export const TOKEN_KEY_LENGTH: number = BEFORE_MODULUS.length + MODULUS_LENGTH + AFTER_MODULUS.length

/** The public key of one class of tokens. */
export interface TokenKey extends RsaPublicKey {
  /** SubjectPublicKeyInfo, as it is published. */
  readonly spki: Uint8Array
  /** SHA-256 of `spki` (RFC 9578 Section 6.5). */
  readonly id: Uint8Array
}

/** Encodes a modulus of 2048 bits. @throws `TOKEN_KEY` */
export function encodeTokenKey(modulus: Uint8Array): Uint8Array {
  return parseTokenKey(concat(BEFORE_MODULUS, modulus, AFTER_MODULUS)).spki
}

/** A token key an issuer published. @throws `TOKEN_KEY` for any other algorithm, size or spelling */
export function parseTokenKey(spki: Uint8Array): TokenKey {
  const end = BEFORE_MODULUS.length + MODULUS_LENGTH
  const modulus = spki.slice(BEFORE_MODULUS.length, end)
  const isRight =
    spki.length === TOKEN_KEY_LENGTH &&
    equalBytes(spki.subarray(0, BEFORE_MODULUS.length), BEFORE_MODULUS) &&
    equalBytes(spki.subarray(end), AFTER_MODULUS) &&
    modulus[0]! >= 0x80 &&
    modulus[MODULUS_LENGTH - 1]! % 2 === 1
  if (!isRight)
    throw tokenError('TOKEN_KEY', 'this is no key of token type 2', {
      expected: 'RSASSA-PSS, SHA-384, salt of 48, 2048 bits, exponent 65537',
    })
  return { spki: spki.slice(), id: publicCrypto.sha256(spki), modulus, exponent: EXPONENT }
}

/** Sets a key up for verifying tokens. */
export function importTokenKey(key: TokenKey): VerifyingKey {
  return publicCrypto.rsa.importPss(key, 'sha384', PSS_SALT_LENGTH)
}
