import { generateTokenKey, openSigningKey, type SigningKey } from '../../../edge/src/issuer/blind-sign.ts'

/** A key of token type 2 with its private half, from the issuer's own generator. */
export async function newSigningKey(): Promise<SigningKey> {
  return openSigningKey((await generateTokenKey()).pkcs8)
}
