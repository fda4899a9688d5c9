import { fromBase64Url, toHex, concat } from '@sotto/protocol/bytes'
import { publicCrypto } from '@sotto/protocol/crypto-backend'
import { findJwk, type Jwk, type JwsHeader, parseJwks, publicKeyOfJwk } from '@sotto/protocol/jose'
import { parseCertificate, type PublicKey, verifyPath, type VerifiedPath } from '@sotto/protocol/x509'
import { Refusal } from '../checks/index.ts'
import { type FieldObject, withX509 } from '../family/index.ts'
import { subjectText } from './fields.ts'
import type { NrasKey } from './policy.ts'
import type { NvidiaRoots } from './roots.ts'

/** A key that a token may be signed with, and why it is believed. */
export interface TrustedKey {
  publicKey: PublicKey
  /** Of the certificates behind it, Unix seconds; undefined for a key that the policy names. */
  notAfter: number | undefined
}

/**
 * The key that a token names: one of the policy, or one of a key set that NVIDIA certified or the caller vouches
 * for. A set that is only given proves nothing: whoever hands it over could have made it.
 *
 * @throws `JOSE_*` for a key that is in no set; Refusal of class `issuer`, `chain` or `expired`
 */
export function findTrustedKey(
  header: JwsHeader,
  named: readonly NrasKey[],
  sets: readonly ReadonlyMap<string, Jwk>[],
  roots: NvidiaRoots,
  { at, trustKeySets }: { at: number; trustKeySets?: boolean },
): TrustedKey {
  const own = named.find(({ kid }) => kid === header.kid)
  if (own !== undefined) {
    const point = concat(Uint8Array.of(4), fromBase64Url(own.x), fromBase64Url(own.y))
    return { publicKey: { type: 'ec', curve: 'P-384', point }, notAfter: undefined }
  }
  const jwk = findJwk(new Map(sets.flatMap((set) => [...set])), header)
  // Of several sets nobody could tell which one the caller fetched.
  if (jwk.x5c === undefined && trustKeySets === true && sets.length === 1) {
    return { publicKey: withX509('the key of the token', () => publicKeyOfJwk(jwk)), notAfter: undefined }
  }
  if (jwk.x5c === undefined)
    throw new Refusal(
      'nobody certified the key of the token, and the policy does not name it',
      'x5c, or a key of the policy',
      jwk.kid,
      'issuer',
    )
  const { notAfter } = verifyNrasCertificates(jwk.x5c, at, roots)
  return { publicKey: withX509('the key of the token', () => publicKeyOfJwk(jwk)), notAfter }
}

/**
 * Verifies `x5c` of a key of NRAS: a leaf that one of the pinned authorities issued. Certificates above that one
 * are not looked at.
 *
 * @param x5c DER, leaf first
 * @param at Unix seconds
 * @throws Refusal of class `chain`, `expired` or `malformed`
 */
export function verifyNrasCertificates(
  x5c: readonly Uint8Array[],
  at: number,
  roots: NvidiaRoots,
): VerifiedPath {
  return withX509('the chain of the key of NRAS', () => {
    const pinned = x5c.findIndex((der) => roots.nrasAuthorities.includes(toHex(publicCrypto.sha256(der))))
    if (pinned < 1)
      throw new Refusal(
        'no pinned authority of NRAS certified the key',
        'an intermediate that is pinned',
        undefined,
        'chain',
      )
    const chain = x5c.slice(0, pinned + 1).map((der) => parseCertificate(der))
    return verifyPath(chain, { roots: chain.slice(-1), at })
  })
}

/** What certificates of a key of NRAS say, in the names of other suites. @throws `X509_MALFORMED`, `X509_UNSUPPORTED` */
export function nrasCertificateFields(x5c: readonly Uint8Array[]): FieldObject {
  const certificates = x5c.map((der) => parseCertificate(der))
  const [leaf] = certificates
  return {
    subjects: certificates.map(subjectText),
    leaf_valid: leaf ? [instant(leaf.notBefore), instant(leaf.notAfter)] : [],
  }
}

function instant(seconds: number): string {
  return new Date(seconds * 1000).toISOString().replace('.000Z', '+00:00')
}

/**
 * Keys of a JWK Set as a policy names them, for one who has another reason to believe the set.
 *
 * @throws `JOSE_MALFORMED` (fix-input)
 */
export function nrasKeysOf(jwks: Uint8Array): NrasKey[] {
  return [...parseJwks(jwks).values()]
    .filter(({ kty }) => kty === 'EC')
    .map(({ kid, members: { x, y } }) => ({ kty: 'EC', crv: 'P-384', kid, x: String(x), y: String(y) }))
}
