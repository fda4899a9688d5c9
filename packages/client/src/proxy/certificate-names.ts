import { DerReader, primitive, TAG } from '@sotto/protocol/der'
import { type Certificate, parseCertificate } from '@sotto/protocol/x509'
import { USER_NAME } from './users.ts'

const SUBJECT_ALT_NAME = '2.5.29.17'
/** rfc822Name and dNSName of RFC 5280 Section 4.2.1.6, both IA5String. */
const EMAIL = primitive(1)
const DNS = primitive(2)

/** Names looked at in one certificate. */
const MAX_NAMES = 32

/**
 * What a certificate calls its holder, most telling first: its common name, e-mail addresses and DNS names, as far as a
 * user may be called so, each once. TLS has verified before that a CA of ours signed it. None for a certificate that is
 * read differently by anybody: names are taken from its own bytes, not from words about them.
 */
export function namesOfCertificate(der: Uint8Array): string[] {
  let certificate: Certificate
  const names: string[] = []
  try {
    certificate = parseCertificate(der)
    if (certificate.commonName !== undefined) names.push(certificate.commonName)
    names.push(...alternativeNames(certificate))
  } catch {
    return []
  }
  return [...new Set(names.filter((name) => USER_NAME.test(name)))].slice(0, MAX_NAMES)
}

function alternativeNames({ extensions }: Certificate): string[] {
  const extension = extensions.get(SUBJECT_ALT_NAME)
  if (extension === undefined) return []
  const outer = new DerReader(extension.value)
  const list = outer.enter(TAG.SEQUENCE)
  outer.end()
  const names: string[] = []
  while (!list.atEnd) {
    const tag = list.nextTag
    const content = list.take(tag!)
    if (tag === EMAIL || tag === DNS) names.push(Buffer.from(content).toString('latin1'))
  }
  return names
}
