import type { EcdsaCurveName } from '../crypto-backend/index.ts'
import { DerReader, malformed, TAG } from '../der/index.ts'
import { unsupported } from './errors.ts'
import type { PublicKey } from './types.ts'

const EC_PUBLIC_KEY = '1.2.840.10045.2.1'
const RSA_ENCRYPTION = '1.2.840.113549.1.1.1'

const CURVES: Readonly<Record<string, { curve: EcdsaCurveName; bytes: number }>> = {
  '1.2.840.10045.3.1.7': { curve: 'P-256', bytes: 32 },
  '1.3.132.0.34': { curve: 'P-384', bytes: 48 },
  '1.3.132.0.35': { curve: 'P-521', bytes: 66 },
}

/**
 * Public key of a whole SubjectPublicKeyInfo (RFC 5480 for EC, RFC 3279 Section 2.3.1 for RSA).
 *
 * @throws `X509_UNSUPPORTED` for other kinds of keys; `X509_MALFORMED`
 */
export function parsePublicKey(spki: Uint8Array): PublicKey {
  return readPublicKey(new DerReader(spki)).publicKey
}

/** Reads SubjectPublicKeyInfo to its end; `keyBits` is the content of its BIT STRING. */
export function readPublicKey(outer: DerReader): { publicKey: PublicKey; keyBits: Uint8Array } {
  const info = outer.enter(TAG.SEQUENCE)
  outer.end()
  const algorithm = info.enter(TAG.SEQUENCE)
  const oid = algorithm.oid()
  const keyBits = info.bitString()
  info.end()
  if (oid === EC_PUBLIC_KEY) {
    const group = CURVES[algorithm.oid()]
    algorithm.end()
    if (group === undefined) throw unsupported('public key is on an unknown curve')
    if (keyBits[0] !== 4 || keyBits.length !== 1 + 2 * group.bytes)
      throw malformed(
        'public key is not an uncompressed point',
        `${1 + 2 * group.bytes} bytes`,
        `${keyBits.length}`,
      )
    return { publicKey: { type: 'ec', curve: group.curve, point: keyBits }, keyBits }
  }
  if (oid !== RSA_ENCRYPTION) throw unsupported('public key is of an unknown kind', 'EC or RSA', oid)
  algorithm.null()
  algorithm.end()
  const outerKey = new DerReader(keyBits)
  const key = outerKey.enter(TAG.SEQUENCE)
  outerKey.end()
  const modulus = key.unsigned()
  const exponent = key.unsigned()
  key.end()
  return { publicKey: { type: 'rsa', modulus, exponent }, keyBits }
}
