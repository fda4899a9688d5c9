import { equalBytes, toHex } from '../bytes/index.ts'
import { dateText, x509Error } from './errors.ts'
import { isSignedBy } from './signature.ts'
import { type Certificate, EXTENSION, KEY_USAGE } from './types.ts'

/** Longest accepted path with its root; NVIDIA's GPUs have 5 certificates. */
const DEFAULT_MAX_LENGTH = 10

/** Critical extensions that {@link verifyPath} understands by itself. */
const UNDERSTOOD: readonly string[] = [
  EXTENSION.basicConstraints,
  EXTENSION.keyUsage,
  EXTENSION.extendedKeyUsage,
]

/** What a path must fulfil. */
export interface PathOptions {
  /** Pinned roots: the verifier's own, never from the evidence. */
  roots: readonly Certificate[]
  /** Unix seconds at which every certificate must be valid, the root too. */
  at: number
  /** Dotted identifiers of more critical extensions that the caller understands and checks. */
  knownCritical?: readonly string[]
  /** Most certificates with the root. Default 10. */
  maxLength?: number
  /** False when the caller judges `notBefore` and `notAfter` itself. Default true. */
  verifyDates?: boolean
}

/** A path whose every link was verified. */
export interface VerifiedPath {
  /** The pinned root that it ends in. */
  root: Certificate
  /** Leaf first, root last. */
  chain: Certificate[]
  /** Intersection of all validities, Unix seconds. */
  notBefore: number
  notAfter: number
}

/**
 * Verifies a certification path (RFC 5280 Section 6.1 without policies and name constraints, which are
 * refused when they are critical): names and signatures of all links, CA flag, keyCertSign and path
 * length of issuers, critical extensions, a pinned root byte for byte, and dates. Dates come last: an
 * `X509_EXPIRED` says that everything else is right. What the leaf may be used for is for the caller; an
 * authority that is limited to purposes, critically, is one for a leaf that is limited to the same.
 *
 * @param chain as it came, leaf first; the root may be left out
 * @throws `X509_CHAIN`, `X509_CRITICAL`, `X509_EXPIRED`; `X509_UNSUPPORTED` for an unusable key
 */
export function verifyPath(chain: readonly Certificate[], options: PathOptions): VerifiedPath {
  const { roots, at, knownCritical = [], maxLength = DEFAULT_MAX_LENGTH, verifyDates = true } = options
  if (chain.length === 0) throw x509Error('X509_CHAIN', 'there is no certificate')
  const { path, root } = endInRoot(chain, roots)
  if (path.length > maxLength)
    throw x509Error('X509_CHAIN', 'path is too long', `at most ${maxLength} certificates`, `${path.length}`)

  for (const certificate of path) requireKnownCritical(certificate, knownCritical)
  /** Intermediate certificates between the leaf and the issuer in question; self-issued ones do not count (Section 6.1.4 l). */
  let between = 0
  let notBefore = path[0]!.notBefore
  let notAfter = path[0]!.notAfter
  for (let i = 1; i < path.length; i++) {
    const issuer = path[i]!
    requireAuthority(issuer, between)
    requirePurposes(path[0]!, issuer)
    if (!equalBytes(issuer.subject, issuer.issuer)) between++
    notBefore = Math.max(notBefore, issuer.notBefore)
    notAfter = Math.min(notAfter, issuer.notAfter)
  }
  // From the root down, so that every key is one of an authority when it is used. A root that was left out is the
  // one whose signature was found, and need not be verified twice.
  for (let i = chain.length - 1; i > 0; i--) requireLink(path[i - 1]!, path[i]!)
  if (verifyDates) for (const certificate of path) requireValidAt(certificate, at)
  return { root, chain: path, notBefore, notAfter }
}

/** The path with its root, which the sender may have left out but does not choose. */
function endInRoot(
  chain: readonly Certificate[],
  roots: readonly Certificate[],
): { path: Certificate[]; root: Certificate } {
  const last = chain[chain.length - 1]!
  const pinned = roots.find((root) => equalBytes(root.der, last.der))
  if (pinned !== undefined) return { path: [...chain.slice(0, -1), pinned], root: pinned }
  // A root of the sender's own, even one with the name and the key of ours.
  if (equalBytes(last.subject, last.issuer))
    throw x509Error('X509_CHAIN', 'path ends in a root that is not pinned', undefined, last.subjectText)
  const root = roots.find((candidate) => isSignedBy(last, candidate, true))
  if (root === undefined)
    throw x509Error('X509_CHAIN', 'no pinned root issued the last certificate', undefined, last.subjectText)
  return { path: [...chain, root], root }
}

function requireLink(certificate: Certificate, issuer: Certificate): void {
  if (!equalBytes(certificate.issuer, issuer.subject))
    throw x509Error(
      'X509_CHAIN',
      'certificate names another issuer',
      issuer.subjectText,
      certificate.issuerText,
    )
  if (!isSignedBy(certificate, issuer, true))
    throw x509Error(
      'X509_CHAIN',
      'certificate is not signed by its issuer',
      issuer.subjectText,
      certificate.subjectText,
    )
}

function requireAuthority(issuer: Certificate, between: number): void {
  const { basicConstraints, keyUsage = 0, subjectText } = issuer
  if (basicConstraints?.ca !== true)
    throw x509Error('X509_CHAIN', 'issuer is not a certification authority', 'CA:TRUE', subjectText)
  if ((keyUsage & KEY_USAGE.keyCertSign) === 0)
    throw x509Error('X509_CHAIN', 'issuer may not sign certificates', 'keyCertSign', subjectText)
  const { pathLength } = basicConstraints
  if (pathLength !== undefined && between > pathLength)
    throw x509Error(
      'X509_CHAIN',
      'path below an issuer is too long',
      `at most ${pathLength} between`,
      `${between}`,
    )
}

/** anyExtendedKeyUsage (RFC 5280 Section 4.2.1.12). */
const ANY_PURPOSE = '2.5.29.37.0'

/**
 * Refuses a leaf with purposes beyond those that an authority's critical extendedKeyUsage names, one without
 * any above all: that is good for everything. @throws `X509_CHAIN`
 */
export function requirePurposes(leaf: Certificate, { extensions, extendedKeyUsage }: Certificate): void {
  const isLimited = extensions.get(EXTENSION.extendedKeyUsage)?.critical
  if (!isLimited || extendedKeyUsage!.includes(ANY_PURPOSE)) return
  const { extendedKeyUsage: purposes = [ANY_PURPOSE] } = leaf
  if (!purposes.every((purpose) => extendedKeyUsage!.includes(purpose)))
    throw x509Error('X509_CHAIN', 'issuer certifies for other purposes', `${extendedKeyUsage}`)
}

/** Refuses critical extensions that neither this package nor the caller understands. @throws `X509_CRITICAL` */
export function requireKnownCritical(certificate: Certificate, known: readonly string[]): void {
  for (const [oid, { critical, value }] of certificate.extensions) {
    if (!critical || UNDERSTOOD.includes(oid) || known.includes(oid)) continue
    const found = `${oid} in ${certificate.subjectText}: ${toHex(value.subarray(0, 32))}`
    throw x509Error('X509_CRITICAL', 'certificate has an unknown critical extension', undefined, found)
  }
}

/** Refuses a certificate that is not valid at a time. @throws `X509_EXPIRED` */
export function requireValidAt(certificate: Certificate, at: number): void {
  const { notBefore, notAfter, subjectText } = certificate
  // Written so that a time that is no number is refused.
  if (at >= notBefore && at <= notAfter) return
  const found = `${subjectText} at ${dateText(at)}`
  throw x509Error(
    'X509_EXPIRED',
    at < notBefore ? 'certificate is not valid yet' : 'certificate has expired',
    `${dateText(notBefore)} to ${dateText(notAfter)}`,
    found,
  )
}
