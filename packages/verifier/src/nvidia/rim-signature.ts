import { isSignedBy, KEY_USAGE, verifyPath, type VerifiedPath } from '@sotto/protocol/x509'
import { Refusal } from '../checks/index.ts'
import { type FieldObject, type Reason, withX509 } from '../family/index.ts'
import { verifyDigest, verifySignedInfo } from '../xmldsig/index.ts'
import type { Rim } from './rim.ts'
import type { NvidiaRoots } from './roots.ts'

/** A manifest that was proven to be NVIDIA's; its dates are for each verification to check. */
interface ProvenRim {
  rim: Rim
  path: VerifiedPath
}

/** Drivers and firmware that one relying party meets, and room. */
const MAX_PROVEN = 32

/**
 * Manifests proven under a set of roots, by SHA-256 of the whole file, the one used last at the end. Only what NVIDIA
 * signed gets in; but one manifest has many files, for nobody signs the space around its certificates. So the oldest
 * goes, and whoever sends many files makes others be verified again, once.
 */
const provenUnder = new WeakMap<NvidiaRoots, Map<string, ProvenRim>>()

/** Manifests that need not be read again, by SHA-256 of their bytes: reading gives the same each time. */
export function knownRims(roots: NvidiaRoots): { get(digest: string): Rim | undefined } {
  return { get: (digest) => provenUnder.get(roots)?.get(digest)?.rim }
}

/** Name of a manifest in messages. */
export function rimName({ kind, product, version }: Rim): string {
  return `reference manifest of the ${kind === 'driver' ? 'driver' : 'firmware'} ${version} (${product})`
}

/**
 * Verifies a manifest beside a report: path to the pinned root, signature and digest, once for the same bytes,
 * and dates.
 *
 * @throws Refusal of class `chain`, `collateral-invalid` or `expired`
 */
export function verifyRimAt(rim: Rim, roots: NvidiaRoots, at: number): VerifiedPath {
  const proven = provenUnder.get(roots) ?? new Map<string, ProvenRim>()
  provenUnder.set(roots, proven)
  const path = proven.get(rim.digest)?.path ?? verifyRimChain(rim, roots)
  if (!proven.delete(rim.digest)) verifyRimSignature(rim, 'collateral-invalid')
  proven.set(rim.digest, { rim, path })
  if (proven.size > MAX_PROVEN) proven.delete(proven.keys().next().value!)
  requireRimValidAt(rim, path, at)
  return path
}

/**
 * Verifies that NVIDIA's signers of manifests are behind the signature: path to the pinned root. Dates are not looked at.
 *
 * @throws Refusal of class `chain`
 */
export function verifyRimChain(rim: Rim, roots: NvidiaRoots): VerifiedPath {
  const path = withX509(
    `the ${rimName(rim)}`,
    () => verifyPath(rim.certificates, { roots: roots.referenceManifests, at: 0, verifyDates: false }),
    'collateral-invalid',
  )
  const { basicConstraints, keyUsage = 0, subjectText } = path.chain[0]!
  if (basicConstraints?.ca === true || (keyUsage & KEY_USAGE.digitalSignature) === 0)
    throw new Refusal(`the ${rimName(rim)} is signed by an authority`, 'a signer', subjectText, 'chain')
  return path
}

/** Verifies that every certificate of the path is valid. @throws Refusal of class `expired` */
export function requireRimValidAt(rim: Rim, { notBefore, notAfter }: VerifiedPath, at: number): void {
  // Written so that a time that is no number is refused.
  if (at >= notBefore && at <= notAfter) return
  const expected = `${day(notBefore)}..${day(notAfter)}`
  throw new Refusal(
    `the signer of the ${rimName(rim)} is not valid at this time`,
    expected,
    String(at),
    'expired',
  )
}

/**
 * Verifies that the first certificate's key signed this manifest as it is.
 *
 * @param of class of the refusal: `signature` when the manifest itself is judged, else `collateral-invalid`
 */
export function verifyRimSignature(rim: Rim, of: Reason): void {
  const { sig, digest } = rimSignatureOutcome(rim)
  if (!sig)
    throw new Refusal(`the signature of the ${rimName(rim)} does not verify`, undefined, undefined, of)
  if (!digest)
    throw new Refusal(`the ${rimName(rim)} is not the one that was signed`, 'its digest', 'another', of)
}

/** Both halves of XML Signature's core validation. */
interface SignatureOutcome {
  sig: boolean
  digest: boolean
}

const outcomes = new WeakMap<Rim, SignatureOutcome>()

/** Computed once for a manifest that was read. */
export function rimSignatureOutcome(rim: Rim): SignatureOutcome {
  let outcome = outcomes.get(rim)
  if (outcome === undefined) {
    const key = rim.certificates[0]!.publicKey
    outcome = { sig: verifySignedInfo(rim.signature, key), digest: verifyDigest(rim.signature) }
    outcomes.set(rim, outcome)
  }
  return outcome
}

/** Whether each certificate is signed by the next one given; for fields only. */
export function rimLinks({ certificates }: Rim): boolean[] {
  return certificates.slice(1).map((issuer, i) => {
    try {
      return isSignedBy(certificates[i]!, issuer)
    } catch {
      // A key off its curve signs nothing.
      return false
    }
  })
}

/** Days in which all certificates given are valid, `2024-06-01..2026-06-01`. */
export function rimValidity({ certificates }: Rim): string {
  const from = Math.max(...certificates.map(({ notBefore }) => notBefore))
  const to = Math.min(...certificates.map(({ notAfter }) => notAfter))
  return `${day(from)}..${day(to)}`
}

function day(seconds: number): string {
  return new Date(seconds * 1000).toISOString().slice(0, 10)
}

/** Fields of a manifest beside a report, in the names of other suites. */
export function rimFields(rim: Rim, isGenuine: boolean): FieldObject {
  const chain = isGenuine ? rim.certificates.slice(1).map(() => true) : rimLinks(rim)
  return { ...rimSignatureOutcome(rim), chain, valid: rimValidity(rim) }
}
