import { fromBase64Url, toHex } from '@sotto/protocol/bytes'

/** A `did:x509` identifier that this module understands. */
export interface DidX509 {
  /** SHA-256 of a certificate above the leaf, hexadecimal. */
  fingerprint: string
  /** Purpose that the leaf must have in extendedKeyUsage, dotted. */
  eku: string
}

/** Fingerprint and one purpose take 90 characters. */
const MAX_CHARACTERS = 256
const FINGERPRINT = /^[A-Za-z0-9_-]{43}$/
const OID = /^[0-9]+(?:\.[0-9]+){1,31}$/

/**
 * Reads `did:x509:0:sha256:<fingerprint>::eku:<oid>` (did:x509 method specification, Microsoft, Section
 * 2.3). Other versions, hashes and policies are not understood: undefined, which refuses them.
 */
export function parseDidX509(text: string): DidX509 | undefined {
  if (text.length > MAX_CHARACTERS) return undefined
  const [prefix, policy, ...morePolicies] = text.split('::')
  const [did, method, version, hash, fingerprint, ...more] = prefix!.split(':')
  if (did !== 'did' || method !== 'x509' || version !== '0' || hash !== 'sha256' || more.length > 0)
    return undefined
  if (fingerprint === undefined || !FINGERPRINT.test(fingerprint) || policy === undefined) return undefined
  const [name, eku, ...moreValues] = policy.split(':')
  if (name !== 'eku' || eku === undefined || !OID.test(eku)) return undefined
  if (morePolicies.length > 0 || moreValues.length > 0) return undefined
  try {
    return { fingerprint: toHex(fromBase64Url(fingerprint)), eku }
  } catch {
    return undefined
  }
}
