import { verifierError } from '../errors.ts'
import type { Family } from './types.ts'
import type { FamilyVerifier } from './verifier.ts'

/**
 * The same table as `all.ts` for pages (condition `on-demand` of a bundler): a kind of evidence is loaded when a
 * policy or a bundle names it. What is not loaded yet refuses, and is noted for {@link loadMissingFamilies}.
 */

const LOADERS: Readonly<Record<Family, () => Promise<FamilyVerifier>>> = {
  'sev-snp': async () => {
    const { sevSnpPolicyDecoder, verifySevSnp } = await import('../snp/index.ts')
    return { decodePolicy: sevSnpPolicyDecoder, verify: (input) => verifySevSnp(input) }
  },
  tdx: async () => {
    const { tdxPolicyDecoder, verifyTdx } = await import('../tdx/index.ts')
    return { decodePolicy: tdxPolicyDecoder, verify: (input) => verifyTdx(input) }
  },
  sgx: async () => {
    const { sgxPolicyDecoder, verifySgx } = await import('../sgx/index.ts')
    return { decodePolicy: sgxPolicyDecoder, verify: (input) => verifySgx(input) }
  },
  nitro: async () => {
    const { nitroPolicyDecoder, verifyNitro } = await import('../nitro/index.ts')
    return { decodePolicy: nitroPolicyDecoder, verify: (input) => verifyNitro(input) }
  },
  nvidia: async () => {
    const { nvidiaPolicyDecoder, verifyNvidia } = await import('../nvidia/index.ts')
    return { decodePolicy: nvidiaPolicyDecoder, verify: (input) => verifyNvidia(input) }
  },
  'azure-cvm': async () => {
    const { azureCvmPolicyDecoder, verifyAzureCvm } = await import('../azure-cvm/index.ts')
    return { decodePolicy: azureCvmPolicyDecoder, verify: (input) => verifyAzureCvm(input) }
  },
  'azure-maa': async () => {
    const { azureMaaPolicyDecoder, verifyAzureMaa } = await import('../maa/index.ts')
    return { decodePolicy: azureMaaPolicyDecoder, verify: (input) => verifyAzureMaa(input) }
  },
  'gcp-confidential-space': async () => {
    const { confidentialSpacePolicyDecoder, verifyConfidentialSpace } = await import('../gcp/index.ts')
    return {
      decodePolicy: confidentialSpacePolicyDecoder,
      verify: (input) => verifyConfidentialSpace(input),
    }
  },
}

const loaded = new Map<Family, FamilyVerifier>()
const missing = new Set<Family>()

/** @throws `FAMILY_NOT_LOADED` */
function need(family: Family): FamilyVerifier {
  const verifier = loaded.get(family)
  if (verifier !== undefined) return verifier
  missing.add(family)
  throw verifierError('FAMILY_NOT_LOADED', `the verifier of ${family} is not loaded yet`, {
    hint: 'await loadMissingFamilies() and verify again',
  })
}

const FAMILIES = Object.keys(LOADERS) as Family[]

export const FAMILY_VERIFIERS = Object.fromEntries(
  FAMILIES.map((family): [Family, FamilyVerifier] => [
    family,
    {
      decodePolicy: (value, path) => need(family).decodePolicy(value, path),
      verify: (input) => need(family).verify(input),
    },
  ]),
) as Readonly<Record<Family, FamilyVerifier>>

/**
 * Loads every kind of evidence that was asked for and was not there.
 * @returns whether there was one: whoever verified then verifies again
 */
export async function loadMissingFamilies(): Promise<boolean> {
  const names = [...missing]
  for (const name of names) {
    loaded.set(name, await LOADERS[name]())
    missing.delete(name)
  }
  return names.length > 0
}
