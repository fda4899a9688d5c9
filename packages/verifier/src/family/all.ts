import { VERIFIER as azureCvm } from '../azure-cvm/azure-cvm-family.ts'
import { VERIFIER as gcp } from '../gcp/gcp-family.ts'
import { VERIFIER as maa } from '../maa/maa-family.ts'
import { VERIFIER as nitro } from '../nitro/nitro-family.ts'
import { VERIFIER as nvidia } from '../nvidia/nvidia-family.ts'
import { VERIFIER as sgx } from '../sgx/sgx-family.ts'
import { VERIFIER as snp } from '../snp/snp-family.ts'
import { VERIFIER as tdx } from '../tdx/tdx-family.ts'
import type { Family } from './types.ts'
import type { FamilyVerifier } from './verifier.ts'

/** Every kind of evidence that this version verifies, under the pinned roots of the vendors. */
export const FAMILY_VERIFIERS: Readonly<Record<Family, FamilyVerifier>> = {
  'sev-snp': snp,
  tdx,
  sgx,
  nitro,
  nvidia,
  'azure-cvm': azureCvm,
  'azure-maa': maa,
  'gcp-confidential-space': gcp,
}

/** Nothing is missing where all of them were loaded at once. See `on-demand.ts`. */
export function loadMissingFamilies(): Promise<boolean> {
  return Promise.resolve(false)
}
