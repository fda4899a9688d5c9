import { equalBytes, toHex, uint } from '@sotto/protocol/bytes'
import { publicCrypto } from '@sotto/protocol/crypto-backend'
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

/** A bundle that once was part of a verified path, nearest issuer first, root last. */
type ProvenBundle = readonly Certificate[]

/** Instances that one verifier sees within the day that a bundle is in use. */
const MAX_PROVEN = 64

/**
 * Proven bundles by digest, so that the three signatures of an instance's issuers are verified once:
 * they take longer than all the rest. Only what leads to the root gets in.
 */
const provenUnder = new WeakMap<readonly Certificate[], Map<string, ProvenBundle>>()

/** Certificates of a document, leaf first, root last. Nothing is proven about them. @throws Refusal of class `malformed` */
export function readCertificates(document: NitroDocument, roots: readonly Certificate[]): Certificate[] {
  const proven = provenUnder.get(roots)?.get(bundleDigest(document))
  return withX509('a certificate in the document', () => [
    parseCertificate(document.certificate),
    ...(proven ?? document.cabundle.toReversed().map((der) => parseCertificate(der))),
  ])
}

/**
 * Verifies that AWS certified the key that signed: the root comes first in the bundle, each certificate
 * issues the next, the last one the leaf, and the leaf is for signing documents.
 *
 * @throws Refusal of class `chain`
 */
export function verifyChain(
  document: NitroDocument,
  certificates: readonly Certificate[],
  roots: readonly Certificate[],
): NitroChain {
  const [leaf, issuer] = certificates as [Certificate, Certificate]
  let proven = provenUnder.get(roots)
  if (proven === undefined) provenUnder.set(roots, (proven = new Map()))
  const digest = bundleDigest(document)
  withX509('the chain of the document', () => {
    // A bundle that had a leaf below it before may have this one: depth and issuers are the same.
    if (proven.has(digest)) return verifyPath([leaf, issuer], { roots: [issuer], at: 0, verifyDates: false })
    if (certificates.slice(0, -1).some(({ subject, issuer: by }) => equalBytes(subject, by)))
      throw new Refusal('a certificate below the root issued itself')
    const path = verifyPath(certificates, { roots, at: 0, verifyDates: false })
    // verifyPath adds a root that was left out; the order of the bundle is part of the format.
    if (path.chain.length !== certificates.length)
      throw new Refusal('the bundle does not begin with the root', path.root.subjectText)
    return path
  })
  const { keyUsage = 0, basicConstraints, subjectText } = leaf
  if ((keyUsage & KEY_USAGE.digitalSignature) === 0 || basicConstraints?.ca === true)
    throw new Refusal(
      'the certificate is not one to sign documents with',
      'digitalSignature, no CA',
      subjectText,
    )
  if (proven.size >= MAX_PROVEN && !proven.has(digest)) proven.delete(proven.keys().next().value!)
  proven.set(digest, certificates.slice(1))
  return {
    certificates,
    notBefore: Math.max(...certificates.map(({ notBefore }) => notBefore)),
    notAfter: Math.min(...certificates.map(({ notAfter }) => notAfter)),
  }
}

function bundleDigest({ cabundle }: NitroDocument): string {
  // Lengths go in too: the same bytes split elsewhere are another bundle.
  return toHex(publicCrypto.sha256(...cabundle.flatMap((der) => [uint(der.length, 2), der])))
}
