import { decodeNamedBits, DerReader, malformed, primitive, TAG } from '../der/index.ts'
import { EXTENSION, type Certificate, type Extension } from './types.ts'

/** Most extensions in one certificate, CRL or response; 17 occur. */
const MAX_EXTENSIONS = 64

/** Reads the content of `Extensions` (RFC 5280 Section 4.2). @throws `X509_MALFORMED`, for duplicates too */
export function readExtensions(list: DerReader): Map<string, Extension> {
  const extensions = new Map<string, Extension>()
  if (list.atEnd) throw malformed('list of extensions is empty')
  while (!list.atEnd) {
    const extension = list.enter(TAG.SEQUENCE)
    const oid = extension.oid()
    // DER leaves `critical FALSE` out, but certificates that write it do occur.
    const critical = extension.nextTag === TAG.BOOLEAN && extension.boolean()
    const value = extension.octetString()
    extension.end()
    if (extensions.has(oid)) throw malformed('extension occurs twice', undefined, oid)
    if (extensions.size === MAX_EXTENSIONS)
      throw malformed('too many extensions', `at most ${MAX_EXTENSIONS}`)
    extensions.set(oid, { critical, value })
  }
  return extensions
}

type KnownExtensions = Pick<
  Certificate,
  'basicConstraints' | 'keyUsage' | 'extendedKeyUsage' | 'subjectKeyIdentifier' | 'authorityKeyIdentifier'
>

/** Decodes the extensions that {@link Certificate} has members for. @throws `X509_MALFORMED` */
export function decodeKnownExtensions(extensions: ReadonlyMap<string, Extension>): KnownExtensions {
  const decode = <T>(oid: string, read: (reader: DerReader) => T): T | undefined => {
    const extension = extensions.get(oid)
    if (extension === undefined) return undefined
    const reader = new DerReader(extension.value)
    const value = read(reader)
    reader.end()
    return value
  }
  return {
    basicConstraints: decode(EXTENSION.basicConstraints, readBasicConstraints),
    keyUsage: decode(EXTENSION.keyUsage, (reader) => decodeNamedBits(reader.take(TAG.BIT_STRING))),
    extendedKeyUsage: decode(EXTENSION.extendedKeyUsage, readExtendedKeyUsage),
    subjectKeyIdentifier: decode(EXTENSION.subjectKeyIdentifier, (reader) => reader.octetString()),
    authorityKeyIdentifier: decode(EXTENSION.authorityKeyIdentifier, readAuthorityKeyIdentifier),
  }
}

/** RFC 5280 Section 4.2.1.9. */
function readBasicConstraints(reader: DerReader): NonNullable<Certificate['basicConstraints']> {
  const sequence = reader.enter(TAG.SEQUENCE)
  const ca = sequence.nextTag === TAG.BOOLEAN && sequence.boolean()
  const pathLength = sequence.atEnd ? undefined : sequence.smallInteger()
  sequence.end()
  if (pathLength !== undefined && !ca) throw malformed('certificate has a path length and is not a CA')
  return { ca, pathLength }
}

/** RFC 5280 Section 4.2.1.12. */
function readExtendedKeyUsage(reader: DerReader): string[] {
  const sequence = reader.enter(TAG.SEQUENCE)
  const purposes: string[] = []
  do purposes.push(sequence.oid())
  while (!sequence.atEnd)
  return purposes
}

/** Key identifier of RFC 5280 Section 4.2.1.1; the issuer and serial beside it only help to find a certificate. */
function readAuthorityKeyIdentifier(reader: DerReader): Uint8Array | undefined {
  const sequence = reader.enter(TAG.SEQUENCE)
  const keyIdentifier = sequence.nextTag === primitive(0) ? sequence.take(primitive(0)) : undefined
  while (!sequence.atEnd) sequence.element()
  return keyIdentifier
}
