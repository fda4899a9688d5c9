import { equalBytes, toHex, utf8 } from '../bytes/index.ts'
import { publicCrypto, type VerifyingKey } from '../crypto-backend/index.ts'
import { DerReader, TAG } from '../der/index.ts'
import { SottoError } from '../errors/index.ts'
import { unsupported } from './errors.ts'
import type { Certificate, PublicKey, SignatureAlgorithm } from './types.ts'

const SCALAR_BYTES = { 'P-256': 32, 'P-384': 48, 'P-521': 66 } as const

/**
 * Imported keys by the key they came from and by algorithm: OpenSSL takes longer to import one than to use
 * it. A pinned root lives for ever and senders choose algorithms, so that these are told apart by value:
 * there are 201.
 */
const imported = new WeakMap<PublicKey, Map<string, VerifyingKey>>()

/** Most signatures that are remembered, 64 characters each: of 40 platforms with all that certifies them. */
const MAX_PROVEN = 512

/**
 * Signatures that verified, by SHA-256 of all that went in; the one used last at the end. The same
 * authorities, lists and documents come with every piece of evidence. Whether a signature verifies depends on
 * nothing but its key, algorithm, message and bytes, so that what was true once stays so: dates, names and what
 * a key is for are judged every time. Failures are not kept. Only keys that the caller has already traced to a
 * pinned root add to it, so that whoever sends evidence cannot push out what is useful; and if it did, the
 * next verification would only take longer.
 */
export const provenSignatures = new Set<string>()

/**
 * Whether this is a signature of the message, in the form that X.509 has: DER of ECDSA-Sig-Value
 * (RFC 3279 Section 2.2.3), or RSA. False for a key of another kind than the algorithm's.
 *
 * @throws `X509_UNSUPPORTED` when the key itself is none: off its curve, or outside 2048 to 4096 bits
 */
export function verifySignature(
  publicKey: PublicKey,
  algorithm: SignatureAlgorithm,
  message: Uint8Array,
  signature: Uint8Array,
  isAuthority = false,
): boolean {
  const raw =
    publicKey.type === 'ec' ? rawEcdsaSignature(signature, SCALAR_BYTES[publicKey.curve]) : signature
  return raw !== undefined && verifyRawSignature(publicKey, algorithm, message, raw, isAuthority)
}

/**
 * {@link verifySignature} of a signature as `r || s` (IEEE P1363), or RSA.
 *
 * @param isAuthority whether the key leads to a pinned root: then a signature that verified is remembered
 */
export function verifyRawSignature(
  publicKey: PublicKey,
  algorithm: SignatureAlgorithm,
  message: Uint8Array,
  raw: Uint8Array,
  isAuthority = false,
): boolean {
  if ((publicKey.type === 'ec') !== (algorithm.name === 'ecdsa')) return false
  if (!isAuthority) return verifyingKey(publicKey, algorithm).verify(message, raw)
  const digest = digestOf(publicKey, algorithm, message, raw)
  if (!provenSignatures.delete(digest) && !verifyingKey(publicKey, algorithm).verify(message, raw))
    return false
  provenSignatures.add(digest)
  if (provenSignatures.size > MAX_PROVEN) provenSignatures.delete(provenSignatures.keys().next().value!)
  return true
}

/** Lengths stand before the bytes: no other four are written the same way. */
function digestOf(publicKey: PublicKey, algorithm: SignatureAlgorithm, ...bytes: Uint8Array[]): string {
  const key = publicKey.type === 'ec' ? [publicKey.point] : [publicKey.modulus, publicKey.exponent]
  const curve = publicKey.type === 'ec' ? publicKey.curve : ''
  const parts = [...key, ...bytes]
  const lengths = parts.map(({ length }) => length)
  return toHex(publicCrypto.sha256(utf8(`${curve} ${algorithmId(algorithm)} ${lengths} `), ...parts))
}

/**
 * Whether the certificate names this issuer and carries its signature; says nothing about what the issuer may do.
 *
 * @param isAuthority as in {@link verifyRawSignature}, of the issuer
 */
export function isSignedBy(certificate: Certificate, issuer: Certificate, isAuthority = false): boolean {
  const { signatureAlgorithm, tbs, signature } = certificate
  return (
    equalBytes(certificate.issuer, issuer.subject) &&
    verifySignature(issuer.publicKey, signatureAlgorithm, tbs, signature, isAuthority)
  )
}

/**
 * `r || s` (IEEE P1363) of a DER signature; undefined unless both are positive, minimal and of at most
 * `scalarBytes` bytes. One signature has one spelling.
 */
export function rawEcdsaSignature(der: Uint8Array, scalarBytes: number): Uint8Array | undefined {
  try {
    const outer = new DerReader(der)
    const sequence = outer.enter(TAG.SEQUENCE)
    outer.end()
    const r = sequence.unsigned()
    const s = sequence.unsigned()
    sequence.end()
    if (r.length === 0 || s.length === 0 || r.length > scalarBytes || s.length > scalarBytes) return undefined
    const raw = new Uint8Array(2 * scalarBytes)
    raw.set(r, scalarBytes - r.length)
    raw.set(s, 2 * scalarBytes - s.length)
    return raw
  } catch {
    return undefined
  }
}

function verifyingKey(publicKey: PublicKey, algorithm: SignatureAlgorithm): VerifyingKey {
  let keys = imported.get(publicKey)
  if (keys === undefined) imported.set(publicKey, (keys = new Map()))
  const id = algorithmId(algorithm)
  let key = keys.get(id)
  if (key === undefined) keys.set(id, (key = importKey(publicKey, algorithm)))
  return key
}

function algorithmId(algorithm: SignatureAlgorithm): string {
  const { name, hash } = algorithm
  return name === 'rsa-pss' ? `${name} ${hash} ${algorithm.saltLength}` : `${name} ${hash}`
}

function importKey(publicKey: PublicKey, algorithm: SignatureAlgorithm): VerifyingKey {
  try {
    if (publicKey.type === 'ec')
      return publicCrypto.ecdsa.importPublic(publicKey.curve, algorithm.hash, publicKey.point)
    if (algorithm.name === 'rsa-pss')
      return publicCrypto.rsa.importPss(publicKey, algorithm.hash, algorithm.saltLength)
    return publicCrypto.rsa.importPkcs1(publicKey, algorithm.hash)
  } catch (error) {
    if (!(error instanceof SottoError)) throw error
    throw unsupported(`public key cannot be used: ${error.message}`, error.expected, error.found)
  }
}
