import { ByteReader, concat, uint } from '../bytes/index.ts'
import { crypto, type VerifyingKey } from '../crypto-backend/index.ts'
import { blind, type BlindOptions, finalize } from './blind-rsa.ts'
import { challengeDigest, TOKEN_TYPE } from './challenge.ts'
import { tokenError } from './errors.ts'
import { MODULUS_LENGTH, type TokenKey } from './token-key.ts'

/** Bytes of nonce, challenge digest and key id. */
const FIELD_LENGTH = 32

/** Bytes of a token of type 2 (RFC 9578 Section 6.3). */
export const TOKEN_LENGTH: number = 2 + 3 * FIELD_LENGTH + MODULUS_LENGTH

/** A token as it is spent (RFC 9577 Section 2.2). */
export interface Token {
  readonly nonce: Uint8Array
  readonly challengeDigest: Uint8Array
  readonly keyId: Uint8Array
  readonly authenticator: Uint8Array
}

/** Everything of a token but the signature over it. */
export type TokenInput = Omit<Token, 'authenticator'>

/** The bytes the issuer signs without seeing them (`token_input`). */
export function encodeTokenInput({ nonce, challengeDigest: digest, keyId }: TokenInput): Uint8Array {
  return concat(uint(TOKEN_TYPE, 2), nonce, digest, keyId)
}

/** Bytes of a token. */
export function encodeToken(token: Token): Uint8Array {
  return concat(encodeTokenInput(token), token.authenticator)
}

/** Structure of a token from anybody; nothing about its signature is known. @throws `TOKEN_MALFORMED` */
export function parseToken(bytes: Uint8Array): Token {
  const reader = new ByteReader(bytes)
  if (bytes.length !== TOKEN_LENGTH || reader.uint(2) !== TOKEN_TYPE)
    throw tokenError('TOKEN_MALFORMED', 'this is no token of type 2', { expected: `${TOKEN_LENGTH} bytes` })
  return {
    nonce: reader.take(FIELD_LENGTH).slice(),
    challengeDigest: reader.take(FIELD_LENGTH).slice(),
    keyId: reader.take(FIELD_LENGTH).slice(),
    authenticator: reader.take(MODULUS_LENGTH).slice(),
  }
}

/** Whether the token carries a signature of this key over everything in it. */
export function verifyToken(token: Token, key: VerifyingKey): boolean {
  return key.verify(encodeTokenInput(token), token.authenticator)
}

/** A token that is being bought. */
export interface PendingToken {
  /** Goes to the issuer. */
  readonly blindedMessage: Uint8Array
  /** Makes the token of what the issuer answered. @throws `TOKEN_UNSIGNED` */
  finish(blindSignature: Uint8Array): Token
}

/** Chosen randomness, for known answers only. */
export interface PrepareOptions extends BlindOptions {
  nonce?: Uint8Array
}

/**
 * Starts buying one token for a challenge (RFC 9578 Section 6.1): a fresh nonce, salt and blinding factor.
 * @throws `TOKEN_KEY`
 */
export function prepareToken(
  key: TokenKey,
  challenge: Uint8Array,
  options: PrepareOptions = {},
): PendingToken {
  const { nonce = crypto.randomBytes(FIELD_LENGTH), ...randomness } = options
  const input = { nonce, challengeDigest: challengeDigest(challenge), keyId: key.id }
  const message = encodeTokenInput(input)
  const { blindedMessage, inverse } = blind(key, message, randomness)
  return {
    blindedMessage,
    finish: (blindSignature) => ({
      ...input,
      authenticator: finalize(key, message, blindSignature, inverse),
    }),
  }
}
