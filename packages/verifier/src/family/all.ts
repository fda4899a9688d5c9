import { VERIFIER as azureCvm } from '../azure-cvm/family.ts'
import { VERIFIER as gcp } from '../gcp/family.ts'
import { VERIFIER as maa } from '../maa/family.ts'
import { VERIFIER as nitro } from '../nitro/family.ts'
import { VERIFIER as nvidia } from '../nvidia/family.ts'
import { VERIFIER as sgx } from '../sgx/family.ts'
import { VERIFIER as snp } from '../snp/family.ts'
import { VERIFIER as tdx } from '../tdx/family.ts'
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
