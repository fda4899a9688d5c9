import { crypto, type RsaPublicKey } from '../crypto-backend/index.ts'
import { tokenError } from './errors.ts'
import { inverseMod, powerMod, toBytes, toInteger } from './integers.ts'
import { encodePss } from './pss.ts'

/** Salt of RSABSSA-SHA384-PSS (RFC 9474 Section 5); the PSSZERO variants have none. */
export const PSS_SALT_LENGTH = 48

/** Randomness of {@link blind}. */
export interface BlindOptions {
  /** PSS salt: {@link PSS_SALT_LENGTH} bytes, or none. Default random. */
  salt?: Uint8Array
  /** The blinding factor r, as long as the modulus. Default random. */
  blindingFactor?: Uint8Array
}

/** What the client keeps between blinding and finalizing. */
export interface Blinded {
  /** Goes to the issuer: uniformly distributed whatever the message, as long as the modulus. */
  readonly blindedMessage: Uint8Array
  /** Inverse of the blinding factor. Who has it can link: it never leaves the client. */
  readonly inverse: Uint8Array
}

/**
 * Blind (RFC 9474 Section 4.2) of a prepared message, in BigInt on every platform. It takes the client a
 * millisecond or two, whose length says nothing to the issuer: it never learns when blinding began.
 *
 * @throws `CRYPTO_BAD_KEY`; `TOKEN_KEY` for a modulus with a factor somebody could know
 */
export function blind(key: RsaPublicKey, message: Uint8Array, options: BlindOptions = {}): Blinded {
  const n = toInteger(key.modulus)
  const length = key.modulus.length
  const salt = options.salt ?? crypto.randomBytes(PSS_SALT_LENGTH)
  // Refuses keys out of bounds before anything is computed with them.
  crypto.rsa.importPss(key, 'sha384', salt.length)
  const encoded = toInteger(encodePss(message, salt, n.toString(2).length - 1))
  const r = options.blindingFactor === undefined ? randomBelow(n, length) : toInteger(options.blindingFactor)
  // One inversion shows that both are coprime to n: the inverse of r is that of r·m, times m.
  const product = inverseMod((r * encoded) % n, n)
  if (product === undefined) throw tokenError('TOKEN_KEY', 'the modulus shares a factor with a random number')
  const blinded = (encoded * powerMod(r, toInteger(key.exponent), n)) % n
  return {
    blindedMessage: toBytes(blinded, length),
    inverse: toBytes((product * encoded) % n, length),
  }
}

/**
 * Finalize (RFC 9474 Section 4.4): unblinds what the issuer answered, and proves that it is a signature.
 * @throws `TOKEN_UNSIGNED`
 */
export function finalize(
  key: RsaPublicKey,
  message: Uint8Array,
  blindSignature: Uint8Array,
  inverse: Uint8Array,
  saltLength: number = PSS_SALT_LENGTH,
): Uint8Array {
  const n = toInteger(key.modulus)
  const z = toInteger(blindSignature)
  if (blindSignature.length !== key.modulus.length || z >= n)
    throw tokenError('TOKEN_UNSIGNED', 'the issuer answered with something that is no blind signature')
  const signature = toBytes((z * toInteger(inverse)) % n, key.modulus.length)
  if (!crypto.rsa.importPss(key, 'sha384', saltLength).verify(message, signature))
    throw tokenError('TOKEN_UNSIGNED', 'the issuer did not sign what was asked for')
  return signature
}

/** Whether a blinded message is a number below the modulus, as the issuer has to check before it signs. */
export function isBelowModulus(message: Uint8Array, modulus: Uint8Array): boolean {
  return message.length === modulus.length && toInteger(message) < toInteger(modulus)
}

/** Uniform in [1, n): what does not fit is drawn again, because a remainder would be biased. */
function randomBelow(n: bigint, length: number): bigint {
  for (;;) {
    const candidate = toInteger(crypto.randomBytes(length))
    if (candidate > 0n && candidate < n) return candidate
  }
}
