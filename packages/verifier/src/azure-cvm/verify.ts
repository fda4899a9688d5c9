import { runChecks } from '../checks/index.ts'
import type { EvidenceInput, EvidenceVerdict } from '../family/index.ts'
import { ACCEPTABLE_CHECKS } from './acceptable-checks.ts'
import { CERTIFICATE_CHECKS, REPORT_CHECKS } from './authentic-checks.ts'
import type { AzureFacts } from './facts.ts'
import { verifyHardware } from './hardware.ts'
import { sortPieces } from './pieces.ts'
import type { AzureCvmPolicy } from './policy.ts'
import { QUOTE_CHECKS } from './quote-checks.ts'
import { type AzureRoots, vtpmRoot } from './roots.ts'
import { TD_REPORT_CHECKS } from './td-report.ts'

const AUTHENTIC_CHECKS = [...REPORT_CHECKS, ...QUOTE_CHECKS, ...TD_REPORT_CHECKS, ...CERTIFICATE_CHECKS]

/**
 * Judges evidence of an Azure confidential virtual machine: a report of the paravisor, what the hardware
 * signed inside it, and a quote of the virtual TPM whose key that report vouches for.
 *
 * Collateral, under any names: what the family of the hardware takes (VCEK, ASK, CRLs; TCB info, QE
 * identity …), and the certificate of the attestation key with its intermediates.
 * `expectedReportData` is the nonce of the quote, of any length.
 *
 * @param roots default the vendors'; others are for tests of verifiers
 */
export function verifyAzureCvm(
  input: EvidenceInput<AzureCvmPolicy>,
  roots: AzureRoots = {},
): EvidenceVerdict {
  const facts: AzureFacts = {
    input,
    policy: input.policy ?? {},
    pieces: sortPieces(input.collateral),
    vtpmRoot: roots.vtpm ?? vtpmRoot(),
    fields: {},
  }
  const own = runChecks(AUTHENTIC_CHECKS, facts)
  const hardware = verifyHardware(facts, roots)
  if (hardware?.authentic === true && facts.boundData !== undefined) facts.hardware = hardware
  const wanted = runChecks(ACCEPTABLE_CHECKS, facts)

  const authentic = own.ok && hardware?.authentic === true
  const acceptable = authentic && hardware.acceptable && wanted.ok
  const hardwareSteps = hardware?.steps ?? []
  // The reason is the first failure: what is not authentic comes before what is not wanted, and what is
  // not wanted of the virtual machine before collateral that its hardware lacks.
  const rest =
    hardware?.authentic === true ? [...wanted.steps, ...hardwareSteps] : [...hardwareSteps, ...wanted.steps]
  const steps = [...own.steps, ...rest]
  const failure = steps.find(({ status }) => status === 'fail')
  return {
    family: 'azure-cvm',
    authentic,
    acceptable,
    reason: acceptable ? null : (failure?.class ?? 'malformed'),
    steps,
    fields: facts.fields,
    trustedParties: [
      ...(hardware?.trustedParties ?? []),
      ...(facts.hasParavisor === true
        ? ['Microsoft (its paravisor runs inside and keeps the key of the virtual TPM)']
        : []),
    ],
    dates: [...(facts.dates ?? []), ...(hardware?.dates ?? [])],
    validUntil: earliest(facts.validUntil, hardware?.validUntil ?? undefined),
  }
}

function earliest(a: number | undefined, b: number | undefined): number | null {
  return a === undefined ? (b ?? null) : Math.min(a, b ?? a)
}
