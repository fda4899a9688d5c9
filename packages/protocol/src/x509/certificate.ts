import { constructed, DerReader, malformed, readTime, TAG } from '../der/index.ts'
import { parseSignatureAlgorithm, requireSameAlgorithm } from './algorithm.ts'
import { unsupported } from './errors.ts'
import { decodeKnownExtensions, readExtensions } from './extensions.ts'
import { type NameText, readName } from './name.ts'
import { parsePublicKey } from './public-key.ts'
import type { Certificate } from './types.ts'

/** `v3` of RFC 5280 Section 4.1.2.1. */
const VERSION_3 = 2

/** Longest serial number (RFC 5280 Section 4.1.2.2). */
export const MAX_SERIAL_BYTES = 20

/**
 * Reads one X.509 v3 certificate (RFC 5280 Section 4.1) that anybody may have written: strict DER and
 * nothing after it. The bytes are copied. Nothing is verified.
 *
 * @throws `X509_MALFORMED`; `X509_UNSUPPORTED` for another version, key or signature algorithm
 */
export function parseCertificate(der: Uint8Array): Certificate {
  const { certificate, rest } = parseCertificatePrefix(der)
  if (rest.length !== 0)
    throw malformed('certificate has trailing bytes', 'the end', `${rest.length} more bytes`)
  return certificate
}

/**
 * Reads the certificate that the bytes start with, as {@link parseCertificate} does. For stores of fixed
 * size: the NV index of an Azure vTPM has bytes after its certificate. Judge `rest`, or say that nobody signs it.
 *
 * @throws as {@link parseCertificate}
 */
export function parseCertificatePrefix(bytes: Uint8Array): { certificate: Certificate; rest: Uint8Array } {
  const outer = new DerReader(bytes)
  const der = new Uint8Array(outer.element(TAG.SEQUENCE))
  return { certificate: readCertificate(der), rest: outer.rest }
}

function readCertificate(der: Uint8Array): Certificate {
  const certificate = new DerReader(der).enter(TAG.SEQUENCE)
  const tbs = certificate.element(TAG.SEQUENCE)
  const algorithm = certificate.element(TAG.SEQUENCE)
  const signature = certificate.bitString()
  certificate.end()

  const fields = new DerReader(tbs).enter(TAG.SEQUENCE)
  readVersion(fields)
  const serialNumber = readSerialNumber(fields)
  requireSameAlgorithm(fields.element(TAG.SEQUENCE), algorithm)
  const issuer = fields.element(TAG.SEQUENCE)
  const validity = fields.enter(TAG.SEQUENCE)
  const notBefore = readTime(validity)
  const notAfter = readTime(validity)
  validity.end()
  const subject = fields.element(TAG.SEQUENCE)
  const spki = fields.element(TAG.SEQUENCE)
  if (fields.nextTag !== constructed(3) && !fields.atEnd)
    throw unsupported('certificate has unique identifiers, or something unknown, before its extensions')
  const extensions = fields.atEnd ? new Map<string, never>() : readExtensions(inside(fields))
  fields.end()

  const issuerName = nameOf(issuer)
  if (issuerName.text === '') throw malformed('certificate has no issuer')
  const subjectName = nameOf(subject)
  return {
    der,
    tbs,
    serialNumber,
    issuer,
    subject,
    issuerText: issuerName.text,
    subjectText: subjectName.text,
    commonName: subjectName.commonName,
    notBefore,
    notAfter,
    spki,
    publicKey: parsePublicKey(spki),
    signatureAlgorithm: parseSignatureAlgorithm(algorithm),
    signature,
    extensions,
    ...decodeKnownExtensions(extensions),
  }
}

function readVersion(fields: DerReader): void {
  if (fields.nextTag !== constructed(0)) throw unsupported('certificate has no version 3', '3', '1')
  const field = fields.enter(constructed(0))
  const version = field.smallInteger()
  field.end()
  if (version !== VERSION_3) throw unsupported('certificate has another version', '3', `${version + 1}`)
}

/** RFC 5280 wants it positive; AMD's VCEK certificates have 0, so that 0 passes and negative numbers do not. */
export function readSerialNumber(fields: DerReader): Uint8Array {
  const serialNumber = fields.unsigned()
  if (serialNumber.length > MAX_SERIAL_BYTES)
    throw malformed(
      'serial number is too long',
      `at most ${MAX_SERIAL_BYTES} bytes`,
      `${serialNumber.length}`,
    )
  return serialNumber
}

function inside(fields: DerReader): DerReader {
  const field = fields.enter(constructed(3))
  const list = field.enter(TAG.SEQUENCE)
  field.end()
  return list
}

function nameOf(der: Uint8Array): NameText {
  return readName(new DerReader(der).enter(TAG.SEQUENCE))
}
