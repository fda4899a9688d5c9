import { azureCvmPolicyDecoder, verifyAzureCvm } from '../azure-cvm/index.ts'
import { confidentialSpacePolicyDecoder, verifyConfidentialSpace } from '../gcp/index.ts'
import { azureMaaPolicyDecoder, verifyAzureMaa } from '../maa/index.ts'
import { nitroPolicyDecoder, verifyNitro } from '../nitro/index.ts'
import { nvidiaPolicyDecoder, verifyNvidia } from '../nvidia/index.ts'
import { sgxPolicyDecoder, verifySgx } from '../sgx/index.ts'
import { sevSnpPolicyDecoder, verifySevSnp } from '../snp/index.ts'
import { tdxPolicyDecoder, verifyTdx } from '../tdx/index.ts'
import type { Family } from './types.ts'
import type { FamilyVerifier } from './verifier.ts'

/** Every kind of evidence that this version verifies, under the pinned roots of the vendors. */
export const FAMILY_VERIFIERS: Readonly<Record<Family, FamilyVerifier>> = {
  'sev-snp': { decodePolicy: sevSnpPolicyDecoder, verify: (input) => verifySevSnp(input) },
  tdx: { decodePolicy: tdxPolicyDecoder, verify: (input) => verifyTdx(input) },
  sgx: { decodePolicy: sgxPolicyDecoder, verify: (input) => verifySgx(input) },
  nitro: { decodePolicy: nitroPolicyDecoder, verify: (input) => verifyNitro(input) },
  nvidia: { decodePolicy: nvidiaPolicyDecoder, verify: (input) => verifyNvidia(input) },
  'azure-cvm': { decodePolicy: azureCvmPolicyDecoder, verify: (input) => verifyAzureCvm(input) },
  'azure-maa': { decodePolicy: azureMaaPolicyDecoder, verify: (input) => verifyAzureMaa(input) },
  'gcp-confidential-space': {
    decodePolicy: confidentialSpacePolicyDecoder,
    verify: (input) => verifyConfidentialSpace(input),
  },
}

/** Nothing is missing where all of them were loaded at once. See `on-demand.ts`. */
export function loadMissingFamilies(): Promise<boolean> {
  return Promise.resolve(false)
}
