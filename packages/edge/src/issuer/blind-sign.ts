import {
  constants,
  createPrivateKey,
  createPublicKey,
  generateKeyPair,
  type KeyObject,
  privateEncrypt,
  publicEncrypt,
} from 'node:crypto'
import { promisify } from 'node:util'
import { equalBytes } from '@sotto/protocol/bytes'
import {
  encodeTokenKey,
  isBelowModulus,
  MODULUS_LENGTH,
  parseTokenKey,
  type TokenKey,
} from '@sotto/protocol/tokens'
import { edgeError } from '../errors.ts'

/** A private key of one class, ready to sign. */
export interface SigningKey {
  readonly key: TokenKey
  /**
   * BlindSign (RFC 9474 Section 4.3). The private operation is OpenSSL's, blinded against timing; its result is
   * raised to the public exponent and compared before anybody sees it: one faulty signature made with the
   * Chinese remainder theorem gives the factors away.
   * @throws `ISSUER_REQUEST` for what is no number below the modulus; `ISSUER_FAULT`
   */
  sign(blindedMessage: Uint8Array): Uint8Array
}

/** A new private key of 2048 bits, PKCS #8 in DER. About a tenth of a second, off this thread. */
export async function generateTokenKey(): Promise<{ key: TokenKey; pkcs8: Uint8Array }> {
  const generate = promisify(generateKeyPair)
  const { privateKey } = await generate('rsa', { modulusLength: 8 * MODULUS_LENGTH, publicExponent: 65_537 })
  const pkcs8 = new Uint8Array(privateKey.export({ type: 'pkcs8', format: 'der' }))
  return { key: openSigningKey(pkcs8).key, pkcs8 }
}

/** Sets a private key up. @throws `TOKEN_KEY` for one of another size */
export function openSigningKey(pkcs8: Uint8Array): SigningKey {
  const privateKey = createPrivateKey({ key: Buffer.from(pkcs8), format: 'der', type: 'pkcs8' })
  const { n } = createPublicKey(privateKey).export({ format: 'jwk' })
  const key = parseTokenKey(encodeTokenKey(new Uint8Array(Buffer.from(n!, 'base64url'))))
  return { key, sign: (blindedMessage) => blindSign(privateKey, key.modulus, blindedMessage) }
}

/** See {@link SigningKey.sign}; for keys of any size, as the vectors of RFC 9474 have them. */
export function blindSign(
  privateKey: KeyObject,
  modulus: Uint8Array,
  blindedMessage: Uint8Array,
): Uint8Array {
  if (!isBelowModulus(blindedMessage, modulus))
    throw edgeError('ISSUER_REQUEST', 'a blinded message is no number below the modulus')
  const raw = { key: privateKey, padding: constants.RSA_NO_PADDING }
  return requireSound(privateEncrypt(raw, blindedMessage), blindedMessage, privateKey)
}

/** Withholds a result that is no signature of what was asked for. @throws `ISSUER_FAULT` */
export function requireSound(
  signature: Uint8Array,
  blindedMessage: Uint8Array,
  privateKey: KeyObject,
): Uint8Array {
  const again = publicEncrypt({ key: privateKey, padding: constants.RSA_NO_PADDING }, signature)
  if (!equalBytes(again, blindedMessage))
    throw edgeError('ISSUER_FAULT', 'a signature came out wrong and was withheld; check this machine')
  return new Uint8Array(signature)
}
