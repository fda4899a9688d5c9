import { concat, utf8 } from '@sotto/protocol/bytes'
import { crypto } from '@sotto/protocol/crypto-backend'
import { DerReader, TAG } from '@sotto/protocol/der'
import { kmsError } from '../../errors.ts'
import { ROOT_SECRET_BYTES } from '../secret.ts'

/** Kinds of keys as the HSM names them. */
const OCT = ['oct', 'oct-HSM']
const RSA = ['RSA', 'RSA-HSM']
const RSA_ENCRYPTION = '1.2.840.113549.1.1.1'
/** Of a symmetric key: 256 bits, and no more than one block of SHA-256. */
const MIN_OCT_BYTES = 32
const MAX_OCT_BYTES = 64
/** Of a prime of an RSA key of 2048 to 4096 bits. */
const MIN_PRIME_BYTES = 128
const MAX_PRIME_BYTES = 256

/** What is derived from the key of an HSM (RFC 5869 info); no genesis in it, for there is none yet at the first start. */
const LABELS = {
  secret: 'sotto kms azure managed hsm: first root secret v1',
  sealing: 'sotto kms azure managed hsm: sealing key of the root file v1',
} as const

/**
 * What a released key is derived from: the bytes of a symmetric key, or the two primes of an RSA key (PKCS #8,
 * RFC 5958), the larger first. How the HSM encodes the rest of it does not count.
 * @param kty as the HSM names it
 * @returns new bytes; the caller overwrites them, and `released`
 * @throws `KMS_HSM_ANSWER`
 */
export function readMaterial(kty: string, released: Uint8Array): Uint8Array {
  if (OCT.includes(kty)) {
    if (released.length < MIN_OCT_BYTES || released.length > MAX_OCT_BYTES)
      throw unusable(`${MIN_OCT_BYTES} to ${MAX_OCT_BYTES} bytes`, `${released.length} bytes`)
    return released.slice()
  }
  if (!RSA.includes(kty)) throw unusable([...OCT, ...RSA].join(', '), kty)
  let primes: Uint8Array[]
  try {
    primes = readPrimes(released)
  } catch {
    // No cause: it could tell what stands in the key.
    throw unusable('a private RSA key as PKCS #8', 'something else')
  }
  const [p, q] = primes as [Uint8Array, Uint8Array]
  const lengths = [p.length, q.length]
  if (lengths.some((length) => length < MIN_PRIME_BYTES || length > MAX_PRIME_BYTES))
    throw unusable('RSA of 2048 to 4096 bits', 'primes of another length')
  return isLess(p, q) ? concat(q, p) : concat(p, q)
}

/** One of the two keys that come from the material, 32 bytes; the caller overwrites it after use. */
export function deriveFromMaterial(material: Uint8Array, label: keyof typeof LABELS): Uint8Array {
  return crypto.hkdf('sha256', new Uint8Array(), material, utf8(LABELS[label]), ROOT_SECRET_BYTES)
}

function readPrimes(pkcs8: Uint8Array): Uint8Array[] {
  const outer = new DerReader(pkcs8)
  const info = outer.enter(TAG.SEQUENCE)
  outer.end()
  info.smallInteger(1)
  if (info.enter(TAG.SEQUENCE).oid() !== RSA_ENCRYPTION) throw new Error('another algorithm')
  const inner = new DerReader(info.octetString())
  const key = inner.enter(TAG.SEQUENCE)
  inner.end()
  // Version 0: two primes.
  key.smallInteger(0)
  const [, , , p, q] = [key, key, key, key, key].map((reader) => reader.unsigned())
  return [p!, q!]
}

/** Public is only the order of two secret numbers. */
function isLess(p: Uint8Array, q: Uint8Array): boolean {
  return p.length === q.length ? Buffer.compare(p, q) < 0 : p.length < q.length
}

function unusable(expected: string, found: string): Error {
  return kmsError('KMS_HSM_ANSWER', 'the released key is none a root secret can come from', {
    expected,
    found: /^[\w .#-]{1,64}$/.test(found) ? found : 'another kind',
  })
}
