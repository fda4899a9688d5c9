import { assess, type EvidenceInput, type EvidenceVerdict } from '../family/index.ts'
import type { Certificate } from '@sotto/protocol/x509'
import { acceptableChecks } from './acceptable-checks.ts'
import { authenticChecks } from './authentic-checks.ts'
import type { NitroFacts } from './facts.ts'
import type { NitroPolicy } from './policy.ts'
import { nitroVendorRoots } from './root.ts'

export { parseNitroDocument, type NitroDocument } from './document.ts'
export { nitroPolicyDecoder, type NitroPolicy, type PcrPolicy } from './policy.ts'

/**
 * Verifies the attestation document of an AWS Nitro enclave. It stands alone: the chain is inside, and
 * no collateral is needed. `expectedReportData` is compared with its user data.
 *
 * @param options.roots other roots than that of AWS, for tests
 */
export function verifyNitro(
  input: EvidenceInput<NitroPolicy>,
  options: { roots?: readonly Certificate[] } = {},
): EvidenceVerdict {
  const facts: NitroFacts = {
    input,
    policy: input.policy ?? {},
    roots: options.roots ?? nitroVendorRoots(),
    fields: {},
  }
  return assess(
    {
      family: 'nitro',
      authentic: authenticChecks,
      acceptable: acceptableChecks,
      trustedParties: ['Amazon Web Services (makes the machine and its hypervisor, runs both, and signs)'],
    },
    facts,
  )
}
