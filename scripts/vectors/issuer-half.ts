import { createPrivateKey, type JsonWebKey } from 'node:crypto'
import { crypto } from '@sotto/protocol/crypto-backend'
import { blindSign } from '../../packages/edge/src/issuer/blind-sign.ts'

/** The private key of an issuer: PEM, or an RSA JWK. */
export type IssuerSecret = string | JsonWebKey

/**
 * What our issuer answers to a blinded message. Undefined where there is none: an issuer runs on Node, with Node's
 * own RSA, and the other half of a case, the client's, runs everywhere.
 */
export function signAsIssuer(
  secret: IssuerSecret,
  modulus: Uint8Array,
  blindedMessage: Uint8Array,
): Uint8Array | undefined {
  if (crypto.name !== 'node') return undefined
  const key =
    typeof secret === 'string' ? createPrivateKey(secret) : createPrivateKey({ key: secret, format: 'jwk' })
  return blindSign(key, modulus, blindedMessage)
}
