import { encodeCbor } from '../cbor/index.ts'
import { publicCrypto, type EcdsaCurveName, type Sha2Name } from '../crypto-backend/index.ts'
import type { PublicKey } from '../x509/index.ts'
import { coseError } from './errors.ts'
import type { CoseSign1 } from './parse.ts'

/** Signature algorithms by the names of RFC 9053 Section 2.1 and RFC 8230 Section 2. */
export type CoseAlgorithm = 'ES256' | 'ES384' | 'ES512' | 'PS256' | 'PS384' | 'PS512'

interface Parameters {
  /** Value of `alg`. */
  id: number
  hash: Sha2Name
  /** Curve of an ECDSA key; RFC 9053 allows others with the same hash, none of our formats does. */
  curve?: EcdsaCurveName
  /** PSS salts are as long as the hash. */
  saltLength?: number
}

const ALGORITHMS: Readonly<Record<CoseAlgorithm, Parameters>> = {
  ES256: { id: -7, hash: 'sha256', curve: 'P-256' },
  ES384: { id: -35, hash: 'sha384', curve: 'P-384' },
  ES512: { id: -36, hash: 'sha512', curve: 'P-521' },
  PS256: { id: -37, hash: 'sha256', saltLength: 32 },
  PS384: { id: -38, hash: 'sha384', saltLength: 48 },
  PS512: { id: -39, hash: 'sha512', saltLength: 64 },
}

/** What a message is verified under. */
export interface CoseVerifyOptions {
  /** The algorithms that the format uses. What the message names is only looked up in it. */
  algorithms: readonly CoseAlgorithm[]
  /** Data outside the message that the signature covers. Default empty. */
  externalAad?: Uint8Array
}

/**
 * Verifies the signature of a message (RFC 9052 Section 4.4) under a key that the caller has a reason
 * to trust, and returns the payload, which then is what the holder of the key signed.
 *
 * @example
 * const message = parseCoseSign1(document)
 * const payload = verifyCoseSign1(message, leaf.publicKey, { algorithms: ['ES384'] })
 *
 * @throws `COSE_ALGORITHM`, `COSE_SIGNATURE` (stop); `CRYPTO_BAD_KEY` (stop) for a key that is not one
 */
export function verifyCoseSign1(
  message: CoseSign1,
  publicKey: PublicKey,
  options: CoseVerifyOptions,
): Uint8Array {
  const name = options.algorithms.find((allowed) => ALGORITHMS[allowed].id === message.alg)
  if (name === undefined) {
    const ids = options.algorithms.map((allowed) => `${allowed} (${ALGORITHMS[allowed].id})`)
    throw coseError('COSE_ALGORITHM', 'the algorithm is not allowed here', ids.join(' or '), `${message.alg}`)
  }
  const { hash, curve, saltLength } = ALGORITHMS[name]
  const signed = encodeCbor([
    'Signature1',
    message.protectedBytes,
    options.externalAad ?? new Uint8Array(0),
    message.payload,
  ])
  let isValid: boolean
  if (publicKey.type === 'ec' && publicKey.curve === curve)
    isValid = publicCrypto.ecdsa.importPublic(curve, hash, publicKey.point).verify(signed, message.signature)
  else if (publicKey.type === 'rsa' && saltLength !== undefined)
    isValid = publicCrypto.rsa.importPss(publicKey, hash, saltLength).verify(signed, message.signature)
  else {
    const found = publicKey.type === 'ec' ? `an EC key on ${publicKey.curve}` : 'an RSA key'
    throw coseError('COSE_ALGORITHM', 'the key is not one of the algorithm', name, found)
  }
  if (!isValid) throw coseError('COSE_SIGNATURE', 'the signature does not cover this message')
  return message.payload
}
