import { constants, createDecipheriv, generateKeyPair, type KeyObject, privateDecrypt } from 'node:crypto'
import { promisify } from 'node:util'
import { toBase64Url, utf8 } from '@sotto/protocol/bytes'
import { crypto } from '@sotto/protocol/crypto-backend'
import { kmsError } from '../../errors.ts'

/** Name of the wrapping in the API; PKCS #11 v2.40, CKM_RSA_AES_KEY_WRAP: RSA-OAEP with SHA-1, then AES-KWP. */
export const WRAPPING = 'CKM_RSA_AES_KEY_WRAP'
const MODULUS_BITS = 3072
const MODULUS_BYTES = MODULUS_BITS / 8
/** The AES key in between has 256 bits. */
const KEK_BYTES = 32
/** A semiblock (RFC 5649). */
const BLOCK_BYTES = 8
/** A private RSA key of 4096 bits has 2.4 kB as PKCS #8. */
const MAX_KEY_BYTES = 4096
/** RFC 5649 Section 3: the upper half of the Alternative Initial Value. */
const ALTERNATIVE_IV = Uint8Array.of(0xa6, 0x59, 0x59, 0xa6)

/** A key pair for one release. Its private half is in the memory of this process only. */
export interface ReleaseKeyPair {
  privateKey: KeyObject
  /** A JSON Web Key Set with the public half: what evidence is bound to, and the HSM wraps to. */
  runtimeData: Uint8Array
}

/** Makes a pair; the HSM takes the key of the set whose operation is to encrypt. */
export async function createReleaseKeyPair(): Promise<ReleaseKeyPair> {
  const { privateKey, publicKey } = await promisify(generateKeyPair)('rsa', { modulusLength: MODULUS_BITS })
  const { n, e } = publicKey.export({ format: 'jwk' }) as { n: string; e: string }
  // RFC 7638 Section 3: the required members in alphabetical order.
  const kid = toBase64Url(crypto.sha256(utf8(JSON.stringify({ e, kty: 'RSA', n }))))
  const keys = [{ kty: 'RSA', kid, key_ops: ['encrypt'], n, e }]
  return { privateKey, runtimeData: utf8(JSON.stringify({ keys })) }
}

/**
 * Opens what the HSM wrapped to this pair: whoever does not have the private half cannot have made sense of it, and
 * nobody can have changed it.
 * @returns the key material; the caller overwrites it after use
 * @throws `KMS_HSM_ANSWER`
 */
export function unwrapKey(wrapped: Uint8Array, privateKey: KeyObject): Uint8Array {
  if (wrapped.length <= MODULUS_BYTES || wrapped.length > MODULUS_BYTES + MAX_KEY_BYTES + BLOCK_BYTES)
    throw foreign(undefined, `${wrapped.length} bytes`)
  let kek: Uint8Array | undefined
  try {
    kek = privateDecrypt(
      { key: privateKey, padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: 'sha1' },
      wrapped.subarray(0, MODULUS_BYTES),
    )
    if (kek.length !== KEK_BYTES) throw new RangeError('the key in between has another length')
    return unwrapPadded(kek, wrapped.subarray(MODULUS_BYTES))
  } catch (cause) {
    throw foreign(cause)
  } finally {
    kek?.fill(0)
  }
}

/**
 * AES Key Unwrap with Padding (RFC 5649, NIST SP 800-38F KWP-AD).
 * @param kek 16, 24 or 32 bytes
 * @throws when the integrity check fails
 */
export function unwrapPadded(kek: Uint8Array, wrapped: Uint8Array): Uint8Array {
  if (wrapped.length < 2 * BLOCK_BYTES || wrapped.length % BLOCK_BYTES !== 0)
    throw new RangeError('a wrapped key has whole blocks, two or more')
  const decipher = createDecipheriv(`id-aes${kek.length * 8}-wrap-pad`, kek, ALTERNATIVE_IV)
  const opened = decipher.update(wrapped)
  const last = decipher.final()
  if (last.length > 0) throw new Error('an unwrapped key comes in one piece')
  const key = new Uint8Array(opened)
  opened.fill(0)
  return key
}

function foreign(cause: unknown, found?: string): Error {
  return kmsError('KMS_HSM_ANSWER', 'the released key is wrapped to another key, or was changed', {
    expected: WRAPPING,
    ...(found !== undefined && { found }),
    cause,
  })
}
