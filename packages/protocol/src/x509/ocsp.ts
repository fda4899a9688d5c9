import type { Sha2Name } from '../crypto-backend/index.ts'
import { constructed, DerReader, malformed, primitive, readGeneralizedTime, TAG } from '../der/index.ts'
import { parseSignatureAlgorithm, readHashAlgorithm } from './algorithm.ts'
import { parseCertificate, readSerialNumber } from './certificate.ts'
import { readCrlReason } from './crl.ts'
import { unsupported, x509Error } from './errors.ts'
import { readExtensions } from './extensions.ts'
import type { Certificate, Extension, SignatureAlgorithm } from './types.ts'

/** Hashes of a CertID; SHA-1 is the usual one there and proves nothing. */
export type CertIdHash = Sha2Name | 'sha1'

/** What one answer says about one certificate (RFC 6960 Section 4.2.1, SingleResponse). */
export interface SingleResponse {
  readonly hash: CertIdHash
  readonly issuerNameHash: Uint8Array
  readonly issuerKeyHash: Uint8Array
  readonly serialNumber: Uint8Array
  readonly status: 'good' | 'revoked' | 'unknown'
  /** Unix seconds; only when revoked. */
  readonly revokedAt: number | undefined
  /** CRLReason of RFC 5280 Section 5.3.1; only when revoked. */
  readonly reason: number | undefined
  /** Unix seconds. */
  readonly thisUpdate: number
  readonly nextUpdate: number | undefined
  readonly extensions: ReadonlyMap<string, Extension>
}

/** A successful basic OCSP response that was read. Nothing has been proven about it. */
export interface OcspResponse {
  /** What the signature covers. */
  readonly tbs: Uint8Array
  /** DER of its Name, or SHA-1 of its public key. */
  readonly responder: { readonly name: Uint8Array } | { readonly keyHash: Uint8Array }
  /** Unix seconds. */
  readonly producedAt: number
  readonly responses: readonly SingleResponse[]
  readonly extensions: ReadonlyMap<string, Extension>
  readonly signatureAlgorithm: SignatureAlgorithm
  readonly signature: Uint8Array
  /** Sent along to find the responder's. */
  readonly certificates: readonly Certificate[]
}

/** Most answers and most certificates in one response; one of each occurs. */
const MAX_RESPONSES = 16
const MAX_CERTIFICATES = 8

const BASIC_RESPONSE = '1.3.6.1.5.5.7.48.1.1'
const SHA1 = '1.3.14.3.2.26'

/** OCSPResponseStatus (RFC 6960 Section 4.2.1). */
const STATUSES = [
  'successful',
  'malformedRequest',
  'internalError',
  'tryLater',
  '',
  'sigRequired',
  'unauthorized',
]

/**
 * Reads an OCSPResponse (RFC 6960 Section 4.2.1) that anybody may have written: strict DER and nothing
 * after it. The bytes are copied. Nothing is verified.
 *
 * @throws `X509_MALFORMED`, `X509_UNSUPPORTED`; `X509_OCSP` when it is not a successful answer
 */
export function parseOcspResponse(der: Uint8Array): OcspResponse {
  const outer = new DerReader(new Uint8Array(der))
  const response = outer.enter(TAG.SEQUENCE)
  outer.end()
  const status = response.smallInteger(0x7f, TAG.ENUMERATED)
  if (status !== 0)
    throw x509Error('X509_OCSP', 'OCSP responder has no answer', STATUSES[0], STATUSES[status] ?? `${status}`)
  const field = response.enter(constructed(0))
  response.end()
  const bytes = field.enter(TAG.SEQUENCE)
  field.end()
  const type = bytes.oid()
  if (type !== BASIC_RESPONSE) throw unsupported('OCSP response has another type', BASIC_RESPONSE, type)
  const content = new DerReader(bytes.octetString())
  bytes.end()
  const basic = content.enter(TAG.SEQUENCE)
  content.end()

  const tbs = basic.element(TAG.SEQUENCE)
  const signatureAlgorithm = parseSignatureAlgorithm(basic.element(TAG.SEQUENCE))
  const signature = basic.bitString()
  const certificates = basic.atEnd ? [] : readCertificates(inside(basic, 0))
  basic.end()
  return { tbs, signatureAlgorithm, signature, certificates, ...readResponseData(tbs) }
}

function readResponseData(
  tbs: Uint8Array,
): Pick<OcspResponse, 'responder' | 'producedAt' | 'responses' | 'extensions'> {
  const fields = new DerReader(tbs).enter(TAG.SEQUENCE)
  if (fields.nextTag === constructed(0)) throw unsupported('OCSP response has another version', '1')
  const responder = readResponder(fields)
  const producedAt = readGeneralizedTime(fields)
  const list = fields.enter(TAG.SEQUENCE)
  const responses: SingleResponse[] = []
  while (!list.atEnd) {
    if (responses.length === MAX_RESPONSES)
      throw malformed('OCSP response has too many answers', `at most ${MAX_RESPONSES}`)
    responses.push(readSingleResponse(list.enter(TAG.SEQUENCE)))
  }
  const extensions = readOptionalExtensions(fields)
  fields.end()
  return { responder, producedAt, responses, extensions }
}

/** ResponderID: `byName` or `byKey`. */
function readResponder(fields: DerReader): OcspResponse['responder'] {
  const byName = fields.nextTag === constructed(1)
  const field = fields.enter(constructed(byName ? 1 : 2))
  const responder = byName ? { name: field.element(TAG.SEQUENCE) } : { keyHash: field.octetString() }
  field.end()
  return responder
}

function readSingleResponse(single: DerReader): SingleResponse {
  const id = single.enter(TAG.SEQUENCE)
  const hash = readCertIdHash(id)
  const issuerNameHash = id.octetString()
  const issuerKeyHash = id.octetString()
  const serialNumber = readSerialNumber(id)
  id.end()
  const status = readStatus(single)
  const thisUpdate = readGeneralizedTime(single)
  let nextUpdate: number | undefined
  if (single.nextTag === constructed(0)) {
    const field = single.enter(constructed(0))
    nextUpdate = readGeneralizedTime(field)
    field.end()
  }
  const extensions = readOptionalExtensions(single)
  single.end()
  return { hash, issuerNameHash, issuerKeyHash, serialNumber, ...status, thisUpdate, nextUpdate, extensions }
}

function readCertIdHash(id: DerReader): CertIdHash {
  const algorithm = id.enter(TAG.SEQUENCE)
  const oid = new DerReader(algorithm.rest).oid()
  const hash = readHashAlgorithm(algorithm)
  if (hash !== undefined) return hash
  if (oid !== SHA1)
    throw unsupported('OCSP answer names its certificate with an unknown hash', undefined, oid)
  return 'sha1'
}

/** CertStatus: `[0]` and `[2]` are an implicit NULL, `[1]` is RevokedInfo. */
function readStatus(single: DerReader): Pick<SingleResponse, 'status' | 'revokedAt' | 'reason'> {
  if (single.nextTag === constructed(1)) {
    const info = single.enter(constructed(1))
    const revokedAt = readGeneralizedTime(info)
    let reason: number | undefined
    if (!info.atEnd) {
      const field = info.enter(constructed(0))
      reason = readCrlReason(field)
      field.end()
    }
    info.end()
    return { status: 'revoked', revokedAt, reason }
  }
  const isGood = single.nextTag === primitive(0)
  if (single.take(primitive(isGood ? 0 : 2)).length !== 0) throw malformed('OCSP status has content')
  return { status: isGood ? 'good' : 'unknown', revokedAt: undefined, reason: undefined }
}

function readOptionalExtensions(reader: DerReader): Map<string, Extension> {
  return reader.nextTag === constructed(1) ? readExtensions(inside(reader, 1)) : new Map<string, Extension>()
}

function readCertificates(list: DerReader): Certificate[] {
  const certificates: Certificate[] = []
  while (!list.atEnd) {
    if (certificates.length === MAX_CERTIFICATES)
      throw malformed('OCSP response has too many certificates', `at most ${MAX_CERTIFICATES}`)
    certificates.push(parseCertificate(list.element(TAG.SEQUENCE)))
  }
  return certificates
}

function inside(reader: DerReader, number: number): DerReader {
  const field = reader.enter(constructed(number))
  const list = field.enter(TAG.SEQUENCE)
  field.end()
  return list
}
