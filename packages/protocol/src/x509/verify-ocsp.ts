import { equalBytes, toHex } from '../bytes/index.ts'
import { publicCrypto } from '../crypto-backend/index.ts'
import { DerReader } from '../der/index.ts'
import { x509Error } from './errors.ts'
import type { CertIdHash, OcspResponse, SingleResponse } from './ocsp.ts'
import { requireKnownCritical, requireValidAt } from './path.ts'
import { readPublicKey } from './public-key.ts'
import { sha1 } from './sha1.ts'
import { isSignedBy, verifySignature } from './signature.ts'
import { type Certificate, KEY_USAGE } from './types.ts'
import { requireCurrent } from './verify-crl.ts'

/** id-kp-OCSPSigning and the nonce extension (RFC 6960 Sections 4.2.2.2 and 4.4.1). */
const OCSP_SIGNING = '1.3.6.1.5.5.7.3.9'
const NONCE = '1.3.6.1.5.5.7.48.1.2'

/** What a response is asked about. */
export interface OcspQuestion {
  certificate: Certificate
  /** Issuer of the certificate: one that {@link verifyPath} accepted as an authority. */
  issuer: Certificate
  /** Unix seconds. */
  at: number
  /** Nonce that was sent; the response must repeat it. Without one an old answer that is in date passes. */
  nonce?: Uint8Array
}

/** Status of one certificate according to its issuer. */
export interface OcspStatus {
  status: SingleResponse['status']
  /** Unix seconds; only when revoked. */
  revokedAt: number | undefined
  /** CRLReason, 6 is certificateHold; only when revoked and told. */
  reason: number | undefined
  /** Unix seconds. */
  thisUpdate: number
  nextUpdate: number
}

/**
 * Verifies that a response is by the issuer, or by a responder whom the issuer itself authorised, about
 * this certificate, with this nonce, and current (RFC 6960 Section 3.2). Whether `revoked` or `unknown`
 * is acceptable is for the caller. The responder's own certificate is not looked up anywhere: that is
 * what id-pkix-ocsp-nocheck is for, and NVIDIA's have it.
 *
 * @throws `X509_OCSP`; `X509_CRITICAL` in the responder's certificate; `X509_EXPIRED` when nothing else is wrong
 */
export function verifyOcspResponse(response: OcspResponse, question: OcspQuestion): OcspStatus {
  const { certificate, issuer, at, nonce } = question
  if (!equalBytes(certificate.issuer, issuer.subject))
    throw x509Error('X509_OCSP', 'certificate has another issuer', issuer.subjectText, certificate.issuerText)
  const responder = findResponder(response, issuer)
  if (!verifySignature(responder.publicKey, response.signatureAlgorithm, response.tbs, response.signature))
    throw x509Error('X509_OCSP', 'OCSP response is not signed by its responder', responder.subjectText)
  const answer = findAnswer(response, certificate, issuer)
  for (const [oid, { critical }] of [...response.extensions, ...answer.extensions])
    if (critical && oid !== NONCE)
      throw x509Error('X509_OCSP', 'OCSP response has an unknown critical extension', undefined, oid)
  if (nonce !== undefined) requireNonce(response, nonce)

  const { status, revokedAt, reason, thisUpdate, nextUpdate } = answer
  if (nextUpdate === undefined)
    throw x509Error('X509_OCSP', 'OCSP response does not say when it ends', 'nextUpdate')
  if (responder !== issuer) requireValidAt(responder, at)
  requireCurrent('OCSP response', Math.max(thisUpdate, response.producedAt), nextUpdate, at)
  return { status, revokedAt, reason, thisUpdate, nextUpdate }
}

/** The issuer, or a certificate sent along that the issuer signed for this purpose (RFC 6960 Section 4.2.2.2). */
function findResponder(response: OcspResponse, issuer: Certificate): Certificate {
  const { responder } = response
  const isNamed = (candidate: Certificate): boolean =>
    'name' in responder
      ? equalBytes(responder.name, candidate.subject)
      : equalBytes(responder.keyHash, sha1(keyBits(candidate)))
  // A delegate may have its issuer's name: then the certificate that was sent along is meant.
  const delegate = response.certificates.find(
    (candidate) => isNamed(candidate) && !equalBytes(candidate.spki, issuer.spki),
  )
  if (delegate === undefined) {
    if (isNamed(issuer)) return issuer
    throw x509Error('X509_OCSP', 'certificate of the OCSP responder is missing')
  }
  if (!delegate.extendedKeyUsage?.includes(OCSP_SIGNING))
    throw x509Error('X509_OCSP', 'responder may not sign OCSP responses', OCSP_SIGNING, delegate.subjectText)
  if (delegate.keyUsage !== undefined && (delegate.keyUsage & KEY_USAGE.digitalSignature) === 0)
    throw x509Error('X509_OCSP', 'responder may not sign', 'digitalSignature', delegate.subjectText)
  if (!isSignedBy(delegate, issuer))
    throw x509Error(
      'X509_OCSP',
      'responder was not authorised by the issuer',
      issuer.subjectText,
      delegate.subjectText,
    )
  requireKnownCritical(delegate, [])
  return delegate
}

/** The one answer about this certificate: two would let the sender choose. */
function findAnswer(response: OcspResponse, certificate: Certificate, issuer: Certificate): SingleResponse {
  const answers = response.responses.filter(
    ({ hash, issuerNameHash, issuerKeyHash, serialNumber }) =>
      equalBytes(serialNumber, certificate.serialNumber) &&
      equalBytes(issuerNameHash, digest(hash, issuer.subject)) &&
      equalBytes(issuerKeyHash, digest(hash, keyBits(issuer))),
  )
  const [answer] = answers
  if (answer === undefined || answers.length > 1)
    throw x509Error(
      'X509_OCSP',
      'OCSP response does not have one answer about the certificate',
      `serial number ${toHex(certificate.serialNumber)}`,
      `${answers.length} answers`,
    )
  return answer
}

/** The extension holds an OCTET STRING of its own (RFC 8954 Section 2.1). */
function requireNonce(response: OcspResponse, nonce: Uint8Array): void {
  const extension = response.extensions.get(NONCE)
  if (extension === undefined) throw x509Error('X509_OCSP', 'OCSP response has no nonce', toHex(nonce))
  const reader = new DerReader(extension.value)
  const found = reader.octetString()
  reader.end()
  if (!equalBytes(found, nonce))
    throw x509Error('X509_OCSP', 'OCSP response has another nonce', toHex(nonce), toHex(found))
}

function digest(hash: CertIdHash, bytes: Uint8Array): Uint8Array {
  return hash === 'sha1' ? sha1(bytes) : publicCrypto.hash(hash, bytes)
}

function keyBits(certificate: Certificate): Uint8Array {
  return readPublicKey(new DerReader(certificate.spki)).keyBits
}
