import { fromBase64Url } from '@sotto/protocol/bytes'
import { type JsonObject, member, parseClaims, parseJsonObject, parseJws } from '@sotto/protocol/jose'
import { kmsError } from '../../errors.ts'
import { WRAPPING } from './wrapping.ts'

/** What was asked for: an answer to anything else is refused. */
export interface ReleaseQuestion {
  /** `https://<name>.managedhsm.azure.net/keys/<name>/<version>` */
  kid: string
  nonce: string
}

/** A released key as the HSM described it. */
export interface ReleasedKey {
  /** `oct-HSM` or `RSA-HSM`; whatever the HSM says. */
  kty: string
  /** To be opened with the private half of the key in the token. */
  wrapped: Uint8Array
  /** The release policy of the key, and whether nobody can change it any more. */
  policy: { data: Uint8Array; isImmutable: boolean }
}

/** The form of identifiers in answers, so that nothing else stands in a message. */
const IDENTIFIER = /^[\x21-\x7e]{1,256}$/

/**
 * Reads the answer of a release, a compact JWS with `request` and `response`. Its signature and the certificates in
 * its header are not verified: that the HSM answered is known from its name in TLS, and that the answer is for
 * this machine from the key it is wrapped to.
 * @throws `KMS_HSM_ANSWER`
 */
export function parseReleasedKey(value: string, { kid, nonce }: ReleaseQuestion): ReleasedKey {
  const payload = readSafely(() => {
    const { header, payload: bytes, signature } = parseJws(value)
    if (header.alg === 'none' || signature.length === 0) throw new Error('the answer is not signed')
    return parseClaims(bytes)
  })
  const request = objectIn(payload, 'request')
  const bundle = objectIn(objectIn(payload, 'response'), 'key')
  const key = objectIn(bundle, 'key')
  requireSame(key, 'kid', kid)
  requireSame(request, 'enc', WRAPPING)
  if (member(request, 'kid') !== undefined) requireSame(request, 'kid', kid)
  // Freshness is that of the key pair, which is new for each release; an echo of it must still be ours.
  if (member(request, 'nonce') !== undefined) requireSame(request, 'nonce', nonce)
  const hsm = readSafely(() => parseJsonObject(fromBase64Url(textIn(key, 'key_hsm')), 'key_hsm'))
  const header = member(hsm, 'header')
  if (header !== undefined) requireSame(objectIn(hsm, 'header'), 'enc', WRAPPING)
  const policy = objectIn(bundle, 'release_policy')
  return {
    kty: textIn(key, 'kty'),
    wrapped: readSafely(() => fromBase64Url(textIn(hsm, 'ciphertext'))),
    policy: {
      data: readSafely(() => fromBase64Url(textIn(policy, 'data'))),
      isImmutable: member(policy, 'immutable') === true,
    },
  }
}

/** The member `value` of the SDK's result, which is whatever the service sent. @throws `KMS_HSM_ANSWER` */
export function requireText(value: unknown): string {
  if (typeof value !== 'string') throw malformed('value', value)
  return value
}

function objectIn(object: JsonObject, name: string): JsonObject {
  const value = member(object, name)
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw malformed(name, value)
  return value as JsonObject
}

function textIn(object: JsonObject, name: string): string {
  const value = member(object, name)
  if (typeof value !== 'string' || value === '') throw malformed(name, value)
  return value
}

function requireSame(object: JsonObject, name: string, expected: string): void {
  const found = textIn(object, name)
  if (found === expected) return
  throw kmsError('KMS_HSM_ANSWER', `the HSM answered another question: ${name}`, {
    expected,
    found: IDENTIFIER.test(found) ? found : 'something else',
  })
}

/** What a reader refuses, by our name for it. */
function readSafely<T>(read: () => T): T {
  try {
    return read()
  } catch (cause) {
    if ((cause as { code?: unknown }).code === 'KMS_HSM_ANSWER') throw cause
    throw kmsError('KMS_HSM_ANSWER', 'the answer of the HSM is malformed', { cause })
  }
}

function malformed(name: string, value: unknown): Error {
  return kmsError('KMS_HSM_ANSWER', `the answer of the HSM is malformed: ${name}`, { found: typeof value })
}
