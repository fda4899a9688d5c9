import type { SottoError, SottoErrorOptions } from '@sotto/protocol/errors'
import { verifierError } from '../errors.ts'
import { FAMILIES, type Family } from './types.ts'
import type { FamilyVerifier } from './verifier.ts'

/**
 * The same table as `all.ts` for pages (condition `on-demand` of a bundler): a kind of evidence is loaded when a
 * policy or a bundle names it. What is not loaded yet refuses, and is noted for {@link loadMissingFamilies}.
 */

const LOADERS: Readonly<Record<Family, () => Promise<{ VERIFIER: FamilyVerifier }>>> = {
  'sev-snp': () => import('../snp/snp-family.ts'),
  tdx: () => import('../tdx/tdx-family.ts'),
  sgx: () => import('../sgx/sgx-family.ts'),
  nitro: () => import('../nitro/nitro-family.ts'),
  nvidia: () => import('../nvidia/nvidia-family.ts'),
  'azure-cvm': () => import('../azure-cvm/azure-cvm-family.ts'),
  'azure-maa': () => import('../maa/maa-family.ts'),
  'gcp-confidential-space': () => import('../gcp/gcp-family.ts'),
}

const loaded = new Map<Family, FamilyVerifier>()
const missing = new Set<Family>()

/** @throws `FAMILY_NOT_LOADED` */
function need(family: Family): FamilyVerifier {
  const verifier = loaded.get(family)
  if (verifier !== undefined) return verifier
  missing.add(family)
  throw notLoaded(family, { hint: 'await loadMissingFamilies() and verify again' })
}

/** See `all.ts`. */
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
 * @throws `FAMILY_NOT_LOADED` (retry) when the code of one does not come
 */
export async function loadMissingFamilies(): Promise<boolean> {
  const names = [...missing]
  for (const name of names) {
    const { VERIFIER } = await LOADERS[name]().catch((cause: unknown) => {
      throw notLoaded(name, { hint: 'try again when the network is back', cause })
    })
    loaded.set(name, VERIFIER)
    missing.delete(name)
  }
  return names.length > 0
}

function notLoaded(family: Family, options: SottoErrorOptions): SottoError {
  return verifierError('FAMILY_NOT_LOADED', `the verifier of ${family} is not loaded`, options)
}
