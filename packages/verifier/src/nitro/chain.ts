import { equalBytes } from '@sotto/protocol/bytes'
import { type Certificate, KEY_USAGE, parseCertificate, verifyPath } from '@sotto/protocol/x509'
import { Refusal } from '../checks/index.ts'
import { withX509 } from '../family/index.ts'
import type { NitroDocument } from './document.ts'

/** A path from the certificate that signed to a pinned root. Signatures and authority are proven, dates are not yet. */
export interface NitroChain {
  /** Leaf first, root last. */
  certificates: readonly Certificate[]
  /** Intersection of all validities, Unix seconds. */
  notBefore: number
  notAfter: number
}

/** Certificates of a document, leaf first, root last. Nothing is proven about them. @throws Refusal of class `malformed` */
export function readCertificates({ certificate, cabundle }: NitroDocument): Certificate[] {
  const ders = [certificate, ...cabundle.toReversed()]
  return withX509('a certificate in the document', () => ders.map((der) => parseCertificate(der)))
}

/**
 * Verifies that AWS certified the key that signed: the root comes first in the bundle, each certificate
 * issues the next, the last one the leaf, and the leaf is for signing documents.
 *
 * @throws Refusal of class `chain`
 */
export function verifyChain(certificates: readonly Certificate[], roots: readonly Certificate[]): NitroChain {
  const leaf = certificates[0]!
  withX509('the chain of the document', () => {
    if (certificates.slice(0, -1).some(({ subject, issuer }) => equalBytes(subject, issuer)))
      throw new Refusal('a certificate below the root issued itself')
    const path = verifyPath(certificates, { roots, at: 0, verifyDates: false })
    // verifyPath adds a root that was left out; the order of the bundle is part of the format.
    if (path.chain.length !== certificates.length)
      throw new Refusal('the bundle does not begin with the root', path.root.subjectText)
  })
  const { keyUsage = 0, basicConstraints, subjectText } = leaf
  if ((keyUsage & KEY_USAGE.digitalSignature) === 0 || basicConstraints?.ca === true)
    throw new Refusal(
      'the certificate is not one to sign documents with',
      'digitalSignature, no CA',
      subjectText,
    )
  return {
    certificates,
    notBefore: Math.max(...certificates.map(({ notBefore }) => notBefore)),
    notAfter: Math.min(...certificates.map(({ notAfter }) => notAfter)),
  }
}
