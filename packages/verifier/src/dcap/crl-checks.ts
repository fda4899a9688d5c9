import { equalBytes } from '@sotto/protocol/bytes'
import { findRevocation, parseCrl, verifyCrl, type Certificate, type Crl } from '@sotto/protocol/x509'
import { Refusal, Skip, type Check } from '../checks/index.ts'
import { earlier, withX509 } from '../family/index.ts'
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
      run({ pieces, roots, input, validUntil }: DcapFacts) {
        const crls = pieces.rootCaCrls.map(read)
        if (crls.length === 0) throw new Skip('no list was given')
        for (const crl of crls) {
          const root = roots.find(({ subject }) => equalBytes(subject, crl.issuer)) ?? roots[0]!
          withX509('the CRL of the root', () => verifyCrl(crl, root, input.at), 'collateral-invalid')
        }
        return { adds: { rootCaCrls: crls, validUntil: soonest(crls, validUntil) } }
      },
    },
    {
      name: `${family}.pck-crl`,
      title: 'The list of revoked platforms is signed by the authority of this one and current',
      needs: ['pckPath'],
      class: 'collateral-invalid',
      maySkip: true,
      run({ pieces, pckPath, input, validUntil }) {
        const issuer = pckPath.chain[1]!
        const all = pieces.pckCrls.map(read)
        // Intel has two such authorities: a list of the other one is no mistake beside one of this.
        const own = all.filter((crl) => equalBytes(crl.issuer, issuer.subject))
        const crls = own.length > 0 ? own : all
        if (crls.length === 0) throw new Skip('no list was given')
        for (const crl of crls)
          withX509('the CRL of the platforms', () => verifyCrl(crl, issuer, input.at), 'collateral-invalid')
        return { adds: { pckCrls: crls, validUntil: soonest(crls, validUntil) } }
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
  const certificates = [...(pckPath?.chain ?? []), ...(tcbSigners?.values() ?? [])]
  return [...new Set(certificates)].filter((certificate) =>
    crls.some(
      (crl) => equalBytes(crl.issuer, certificate.issuer) && findRevocation(crl, certificate) !== undefined,
    ),
  )
}

function read(der: Uint8Array): Crl {
  return withX509('a CRL', () => parseCrl(der), 'collateral-invalid')
}

function soonest(crls: readonly Crl[], validUntil: number | undefined): number {
  return crls.reduce((until, { nextUpdate }) => earlier(until, nextUpdate!), validUntil ?? Infinity)
}
