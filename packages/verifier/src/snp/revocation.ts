import { equalBytes } from '@sotto/protocol/bytes'
import { type Crl, findRevocation, verifyCrl } from '@sotto/protocol/x509'
import { Refusal } from '../checks/index.ts'
import { type CollateralDate, earlier, withX509 } from '../family/index.ts'
import type { VerifiedChain } from './chain.ts'
import type { SnpRoots } from './roots.ts'

/** What CRLs say about a chain that none of them revokes. */
export interface RevocationStatus {
  /** The ARK itself says that the intermediate certificate is not revoked: what AMD publishes. */
  isIssuerCovered: boolean
  /** When the first of them is due to be replaced, Unix seconds. */
  validUntil?: number
  /** Of those that are about this chain. */
  dates: CollateralDate[]
}

/**
 * Verifies every CRL that was given (`https://kdsintf.amd.com/vcek/v1/{product}/crl`) and that none
 * revokes a certificate of the chain. VCEK certificates all have serial 0: one entry for it is all of them.
 *
 * @throws Refusal of class `collateral-invalid`, `expired` or `revoked`
 */
export function verifyRevocation(
  chain: VerifiedChain,
  crls: readonly Crl[],
  roots: SnpRoots,
  at: number,
): RevocationStatus {
  const [, intermediate, root] = chain.certificates
  // A CRL of another product says nothing here, and must be AMD's all the same.
  const authorities = [intermediate, root, ...Object.values(roots.arks)]
  const dates: CollateralDate[] = []
  let isIssuerCovered = false
  let validUntil: number | undefined
  for (const crl of crls) {
    const issuer = authorities.find(({ subject }) => equalBytes(subject, crl.issuer))
    if (issuer === undefined)
      throw new Refusal(
        'a CRL is of another authority',
        root.subjectText,
        crl.issuerText,
        'collateral-invalid',
      )
    withX509('a CRL', () => verifyCrl(crl, issuer, at), 'collateral-invalid')
    for (const certificate of chain.certificates) {
      if (!equalBytes(certificate.issuer, crl.issuer)) continue
      if (findRevocation(crl, certificate) !== undefined)
        throw new Refusal('a certificate is revoked', undefined, certificate.subjectText, 'revoked')
    }
    if (issuer === root) isIssuerCovered = true
    if (issuer === root || issuer === intermediate)
      dates.push({ kind: issuer === root ? 'root-list' : 'revocation', issuedAt: crl.thisUpdate })
    if (crl.nextUpdate !== undefined) validUntil = earlier(validUntil, crl.nextUpdate)
  }
  return { isIssuerCovered, dates, ...(validUntil !== undefined && { validUntil }) }
}
