import { equalBytes } from '@sotto/protocol/bytes'
import { type Certificate, verifyPath } from '@sotto/protocol/x509'
import { Refusal } from '../checks/index.ts'
import { withX509 } from '../family/index.ts'
import { certificateDigest, type KnownCertificates } from './collateral.ts'
import type { EndorsementKey } from './kds.ts'
import { issuerName, SNP_PRODUCTS, type SnpProduct } from './product.ts'
import type { SnpRoots } from './roots.ts'

/** A path from an endorsement key to a pinned ARK. Signatures and authority are proven, dates are not yet. */
export interface VerifiedChain {
  product: SnpProduct
  /** Leaf, ASK or ASVK, ARK. */
  certificates: readonly [Certificate, Certificate, Certificate]
  /** Intersection of all validities, Unix seconds. */
  notBefore: number
  notAfter: number
}

/** A certificate above a leaf, or an ARK itself, that was proven to be of AMD, with the product whose ARK signed it. */
interface ProvenIssuer {
  product: SnpProduct
  certificate: Certificate
  ark: Certificate
  notBefore: number
  notAfter: number
}

/** What was proven to be of AMD under a set of roots: nobody else can add to it. */
interface Proven {
  /** By digest, the one used last at the end: each comes again with every report, and holds its imported key. */
  certificates: Map<string, Certificate>
  /** Those that were put there; undefined for a leaf. */
  issuers: WeakMap<Certificate, ProvenIssuer | undefined>
}

/** ASK and ASVK of three products, and endorsement keys of some dozen machines, 2 kB each. */
const MAX_PROVEN = 64

const provenUnder = new WeakMap<SnpRoots, Proven>()

/** Certificates that need not be read again, for {@link readSnpCollateral}. */
export function knownUnder(roots: SnpRoots): KnownCertificates {
  const { certificates } = provenOf(roots)
  return {
    get(digest) {
      const certificate = certificates.get(digest)
      if (certificate !== undefined && certificates.delete(digest)) certificates.set(digest, certificate)
      return certificate
    },
  }
}

/**
 * Verifies that AMD certified this key: leaf, intermediate of the right kind, pinned ARK of one product.
 *
 * @param others certificates in any order, surplus ones included
 * @throws Refusal of class `chain` or `collateral-missing`
 */
export function verifyChain(
  key: EndorsementKey,
  others: readonly Certificate[],
  roots: SnpRoots,
): VerifiedChain {
  const { certificate: leaf, kind } = key
  // Each costs an RSA verification; their number is bounded where they are read.
  const candidates = others.filter(({ subject }) => equalBytes(subject, leaf.issuer))
  if (candidates.length === 0)
    throw new Refusal(
      `the certificate that issued the ${kind} was not given`,
      leaf.issuerText,
      `${others.length} other certificates`,
      'collateral-missing',
    )
  let refusal: unknown
  for (const candidate of candidates) {
    try {
      const chain = withX509(
        `the chain of the ${kind}`,
        () => verifyUnder(leaf, kind, proveIssuer(candidate, roots)),
        'chain',
      )
      remember(leaf, roots)
      return chain
    } catch (error) {
      refusal ??= error
    }
  }
  throw refusal
}

/**
 * Verifies that nothing which was given beside the chain is forged: other intermediates and roots are
 * AMD's, and so are other endorsement keys whose issuer was given.
 *
 * @throws Refusal of class `chain`
 */
export function verifySurplus(
  keys: readonly EndorsementKey[],
  others: readonly Certificate[],
  roots: SnpRoots,
): void {
  for (const certificate of others)
    withX509(certificate.subjectText, () => proveIssuer(certificate, roots), 'chain')
  for (const key of keys)
    if (others.some(({ subject }) => equalBytes(subject, key.certificate.issuer)))
      verifyChain(key, others, roots)
}

function verifyUnder(leaf: Certificate, kind: EndorsementKey['kind'], issuer: ProvenIssuer): VerifiedChain {
  const { product, certificate, ark } = issuer
  const expected = issuerName(product, kind)
  if (certificate.commonName !== expected)
    throw new Refusal(`a ${kind} has another issuer`, expected, certificate.commonName, 'chain')
  const path = verifyPath([leaf, certificate], { roots: [certificate], at: 0, verifyDates: false })
  return {
    product,
    certificates: [leaf, certificate, ark],
    notBefore: Math.max(path.notBefore, issuer.notBefore),
    notAfter: Math.min(path.notAfter, issuer.notAfter),
  }
}

/** Verifies an ASK or ASVK under the ARK of a product, once for the same bytes. */
function proveIssuer(certificate: Certificate, roots: SnpRoots): ProvenIssuer {
  let issuer = provenOf(roots).issuers.get(certificate)
  if (issuer === undefined) {
    const arks = SNP_PRODUCTS.map((product) => roots.arks[product])
    const {
      root: ark,
      notBefore,
      notAfter,
    } = verifyPath([certificate], { roots: arks, at: 0, maxLength: 2, verifyDates: false })
    issuer = { product: SNP_PRODUCTS[arks.indexOf(ark)]!, certificate, ark, notBefore, notAfter }
    remember(certificate, roots, issuer)
  }
  return issuer
}

function remember(certificate: Certificate, roots: SnpRoots, issuer?: ProvenIssuer): void {
  const { certificates, issuers } = provenOf(roots)
  if (issuers.has(certificate)) return
  issuers.set(certificate, issuer)
  certificates.set(certificateDigest(certificate.der), certificate)
  if (certificates.size > MAX_PROVEN) certificates.delete(certificates.keys().next().value!)
}

function provenOf(roots: SnpRoots): Proven {
  let proven = provenUnder.get(roots)
  if (proven === undefined)
    provenUnder.set(roots, (proven = { certificates: new Map(), issuers: new WeakMap() }))
  return proven
}
