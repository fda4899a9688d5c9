import { publicCrypto, type EcdsaCurveName, type Sha2Name } from '../crypto-backend/index.ts'
import type { PublicKey } from '../x509/index.ts'
import { joseError } from './errors.ts'
import type { Jws } from './parse.ts'

/** Signature algorithms (RFC 7518 Section 3.1). `none` and the symmetric ones are not among them. */
export type JwsAlgorithm =
  | 'RS256'
  | 'RS384'
  | 'RS512'
  | 'PS256'
  | 'PS384'
  | 'PS512'
  | 'ES256'
  | 'ES384'
  | 'ES512'

const HASH: Readonly<Record<string, Sha2Name>> = { '256': 'sha256', '384': 'sha384', '512': 'sha512' }
const HASH_BYTES: Readonly<Record<Sha2Name, number>> = { sha256: 32, sha384: 48, sha512: 64 }
const CURVE: Readonly<Record<Sha2Name, EcdsaCurveName>> = {
  sha256: 'P-256',
  sha384: 'P-384',
  sha512: 'P-521',
}

/**
 * Verifies the signature of a token under a key that the caller has a reason to trust, and returns the
 * payload, which then is what the holder of the key signed.
 *
 * @param options.algorithms the algorithms that the issuer uses; what the header names is only looked up in it
 * @throws `JOSE_ALGORITHM`, `JOSE_SIGNATURE` (stop); `CRYPTO_BAD_KEY` (stop) for a key that is not one
 */
export function verifyJws(
  jws: Jws,
  publicKey: PublicKey,
  options: { algorithms: readonly JwsAlgorithm[] },
): Uint8Array {
  const { alg } = jws.header
  const name = options.algorithms.find((allowed) => allowed === alg)
  if (name === undefined)
    throw joseError(
      'JOSE_ALGORITHM',
      'the algorithm is not allowed here',
      options.algorithms.join(' or '),
      alg,
    )
  if (!hasSigned(jws, publicKey, name))
    throw joseError('JOSE_SIGNATURE', 'the signature does not cover this token')
  return jws.payload
}

function hasSigned({ signed, signature }: Jws, publicKey: PublicKey, name: JwsAlgorithm): boolean {
  const hash = HASH[name.slice(2)]!
  if (publicKey.type === 'rsa' && name.startsWith('RS'))
    return publicCrypto.rsa.importPkcs1(publicKey, hash).verify(signed, signature)
  if (publicKey.type === 'rsa' && name.startsWith('PS'))
    return publicCrypto.rsa.importPss(publicKey, hash, HASH_BYTES[hash]).verify(signed, signature)
  if (publicKey.type === 'ec' && name.startsWith('ES') && publicKey.curve === CURVE[hash])
    return publicCrypto.ecdsa.importPublic(publicKey.curve, hash, publicKey.point).verify(signed, signature)
  const found = publicKey.type === 'ec' ? `an EC key on ${publicKey.curve}` : 'an RSA key'
  throw joseError('JOSE_ALGORITHM', 'the key is not one of the algorithm', name, found)
}
