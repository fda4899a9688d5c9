import { equalBytes } from '@sotto/protocol/bytes'
import { findRevocation, verifyCrl, type Certificate, type Crl } from '@sotto/protocol/x509'
import { Refusal, Skip, type Check } from '../checks/index.ts'
import { addDates, earlier, withX509 } from '../family/index.ts'
import type { DcapFacts, DcapFamily } from './facts.ts'

/**
 * Checks of revocation lists. Every list that was given for a purpose counts: signed by the right authority,
 * in date, and revoking nothing that this verdict rests on.
 */
export function crlChecks(family: DcapFamily): Check<DcapFacts>[] {
  return [
    {
      name: `${family}.root-ca-crl`,
      title: 'The list of revoked authorities is signed by the pinned root and current',
      needs: [],
      class: 'collateral-invalid',
      maySkip: true,
      run(facts: DcapFacts) {
        const { pieces, roots, input } = facts
        const crls = pieces.rootCaCrls
        if (crls.length === 0) throw new Skip('no list was given')
        for (const crl of crls) {
          const root = roots.find(({ subject }) => equalBytes(subject, crl.issuer)) ?? roots[0]!
          withX509('the CRL of the root', () => verifyCrl(crl, root, input.at), 'collateral-invalid')
        }
        return { adds: { rootCaCrls: crls, ...timesOf(crls, 'root-list', facts) } }
      },
    },
    {
      name: `${family}.pck-crl`,
      title: 'The list of revoked platforms is signed by the authority of this one and current',
      needs: ['pckPath'],
      class: 'collateral-invalid',
      maySkip: true,
      run(facts) {
        const { pieces, pckPath, input } = facts
        const issuer = pckPath.chain[1]!
        const crls = pieces.pckCrls
        if (crls.length === 0) throw new Skip('no list was given')
        // One of Intel's other authority too: what is not about this platform cannot be verified by its chain.
        for (const crl of crls)
          withX509('the CRL of the platforms', () => verifyCrl(crl, issuer, input.at), 'collateral-invalid')
        return { adds: { pckCrls: crls, ...timesOf(crls, 'revocation', facts) } }
      },
    },
    {
      name: `${family}.revocation`,
      title: 'Neither platform, nor authority, nor signer of TCB information is revoked',
      needs: [],
      class: 'revoked',
      maySkip: true,
      run(facts: DcapFacts) {
        if (!facts.rootCaCrls && !facts.pckCrls) throw new Skip('there is no genuine list')
        const revoked = findRevoked(facts)
        if (revoked.length > 0)
          throw new Refusal(
            'a certificate is revoked',
            undefined,
            revoked.map(({ subjectText }) => subjectText).join('; '),
          )
      },
    },
  ]
}

/** Certificates of this verdict that a verified list revokes. */
export function findRevoked({
  rootCaCrls = [],
  pckCrls = [],
  pckPath,
  tcbSigners,
}: DcapFacts): Certificate[] {
  const crls = [...rootCaCrls, ...pckCrls]
  const paths = [...(pckPath ? [pckPath] : []), ...(tcbSigners?.values() ?? [])]
  const certificates = paths.flatMap(({ chain }) => chain)
  return [...new Set(certificates)].filter((certificate) =>
    crls.some(
      (crl) => equalBytes(crl.issuer, certificate.issuer) && findRevocation(crl, certificate) !== undefined,
    ),
  )
}

/** Until when verified lists count, and since when. */
function timesOf(
  crls: readonly Crl[],
  kind: 'root-list' | 'revocation',
  facts: DcapFacts,
): Pick<DcapFacts, 'validUntil' | 'dates'> {
  return {
    validUntil: crls.reduce(
      (until, { nextUpdate }) => earlier(until, nextUpdate!),
      facts.validUntil ?? Infinity,
    ),
    dates: addDates(facts, kind, ...crls.map(({ thisUpdate }) => thisUpdate)),
  }
}
