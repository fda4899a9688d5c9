import { runChecks } from '../checks/index.ts'
import { assess, type Collateral, type EvidenceInput, type EvidenceVerdict } from '../family/index.ts'
import { AUTHENTIC_CHECKS } from './authentic-checks.ts'
import { CERTIFICATE_CHECKS, CURRENCY_CHECKS } from './certificate-checks.ts'
import { knownUnder } from './chain.ts'
import { readSnpCollateral } from './collateral.ts'
import type { SnpFacts } from './facts.ts'
import { GUEST_CHECKS } from './guest-checks.ts'
import { extensionFields } from './kds.ts'
import { PLATFORM_CHECKS } from './platform-checks.ts'
import type { SevSnpPolicy } from './policy.ts'
import { snpVendorRoots, type SnpRoots } from './roots.ts'

/**
 * Judges an attestation report of AMD SEV-SNP.
 *
 * Collateral, under any names: the VCEK or VLEK, its ASK or ASVK (PEM or DER, the ARK may be left out),
 * CRLs of KDS, and the endorsement of a utility VM in Azure Container Instances.
 *
 * @param roots default AMD's and Microsoft's; others are for tests of verifiers
 */
export function verifySevSnp(
  input: EvidenceInput<SevSnpPolicy>,
  roots: SnpRoots = snpVendorRoots(),
): EvidenceVerdict {
  const facts = startFacts(input, roots)
  const verdict = assess<SnpFacts>(
    {
      family: 'sev-snp',
      authentic: AUTHENTIC_CHECKS,
      acceptable: [...GUEST_CHECKS, ...PLATFORM_CHECKS],
      trustedParties: [],
    },
    facts,
  )
  return { ...verdict, trustedParties: trustedParties(facts) }
}

/** What is known about certificates without a report. */
export type SnpCertificatesVerdict = Pick<
  EvidenceVerdict,
  'authentic' | 'reason' | 'steps' | 'fields' | 'validUntil'
>

/**
 * Judges the certificates of a chip before it has given a report: a VCEK or VLEK, its chain and CRLs.
 *
 * @param at Unix seconds
 */
export function verifySnpCertificates(
  collateral: Collateral,
  at: number,
  roots: SnpRoots = snpVendorRoots(),
): SnpCertificatesVerdict {
  const facts = startFacts({ evidence: new Uint8Array(0), collateral, at }, roots)
  const { ok, steps } = runChecks([...CERTIFICATE_CHECKS, ...CURRENCY_CHECKS], facts)
  if (facts.key !== undefined) facts.fields['extensions'] = extensionFields(facts.key)
  return {
    authentic: ok,
    reason: ok ? null : (steps.find(({ status }) => status === 'fail')?.class ?? 'malformed'),
    steps,
    fields: facts.fields,
    validUntil: facts.validUntil ?? null,
  }
}

function startFacts(input: EvidenceInput<SevSnpPolicy>, roots: SnpRoots): SnpFacts {
  return {
    input,
    policy: input.policy ?? {},
    roots,
    collateral: readSnpCollateral(input.collateral, knownUnder(roots)),
    fields: {},
  }
}

function trustedParties({ key, uvm }: SnpFacts): string[] {
  const parties = ['AMD (signs the report)']
  if (key?.cspId !== undefined)
    parties.push(`${key.cspId} (holds the key that signs for all of its machines)`)
  if (uvm) parties.push('Microsoft (says which utility VM the measurement is)')
  return parties
}
