import { equalBytes, toHex } from '../bytes/index.ts'
import { publicCrypto } from '../crypto-backend/index.ts'
import { DerReader } from '../der/index.ts'
import { x509Error } from './errors.ts'
import type { CertIdHash, OcspResponse, SingleResponse } from './ocsp.ts'
import { requireKnownCritical, requirePurposes, requireValidAt } from './path.ts'
import { readPublicKey } from './public-key.ts'
import { sha1 } from './sha1.ts'
import { isSignedBy, verifySignature } from './signature.ts'
import { type Certificate, KEY_USAGE } from './types.ts'
import { requireCurrent } from './verify-crl.ts'

/** id-kp-OCSPSigning and the nonce extension (RFC 6960 Sections 4.2.2.2 and 4.4.1). */
const OCSP_SIGNING = '1.3.6.1.5.5.7.3.9'
const NONCE = '1.3.6.1.5.5.7.48.1.2'
/** id-pkix-ocsp-nocheck (Section 4.2.2.2.1). */
const NO_CHECK = '1.3.6.1.5.5.7.48.1.5'
/** cRLDistributionPoints and authorityInfoAccess (RFC 5280 Sections 4.2.1.13 and 4.2.2.1). */
const CRL_POINTS = '2.5.29.31'
const AUTHORITY_ACCESS = '1.3.6.1.5.5.7.1.1'
/** DER in hexadecimal: NULL, and id-ad-ocsp, wherever it stands. */
const DER_NULL = '0500'
const DER_OCSP_ACCESS = '06082b06010505073001'

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
 * is acceptable is for the caller. Nothing is looked up about the responder's own certificate: its issuer
 * must have said that this is not needed (id-pkix-ocsp-nocheck), or named no place where it could be.
 *
 * @throws `X509_OCSP`; `X509_CRITICAL` in the responder's certificate; `X509_EXPIRED` when nothing else is wrong
 */
export function verifyOcspResponse(response: OcspResponse, question: OcspQuestion): OcspStatus {
  const { certificate, issuer, at, nonce } = question
  if (!equalBytes(certificate.issuer, issuer.subject))
    throw x509Error('X509_OCSP', 'certificate has another issuer', issuer.subjectText, certificate.issuerText)
  const responder = findResponder(response, issuer)
  const { signatureAlgorithm, tbs, signature } = response
  if (!verifySignature(responder.publicKey, signatureAlgorithm, tbs, signature, true))
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
  if (!isSignedBy(delegate, issuer, true))
    throw x509Error(
      'X509_OCSP',
      'responder was not authorised by the issuer',
      issuer.subjectText,
      delegate.subjectText,
    )
  requirePurposes(delegate, issuer)
  requireKnownCritical(delegate, [NO_CHECK])
  requireUnchecked(delegate)
  return delegate
}

/**
 * RFC 6960 Section 4.2.2.2.1 has three kinds of responder: those to be trusted for their lifetime, those whose
 * certificate is to be checked in a way it names, and those of which their issuer says neither (NVIDIA's of
 * device identities). The second kind may have been revoked for all that is known here.
 */
function requireUnchecked({ extensions }: Certificate): void {
  const noCheck = extensions.get(NO_CHECK)
  const access = extensions.get(AUTHORITY_ACCESS)
  const isTrusted = noCheck
    ? toHex(noCheck.value) === DER_NULL
    : !extensions.has(CRL_POINTS) && !(access && toHex(access.value).includes(DER_OCSP_ACCESS))
  if (!isTrusted) throw x509Error('X509_OCSP', 'responder itself may be revoked')
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
