import { intelSgxRootCa } from '@sotto/verifier/dcap'
import { nvidiaRoots } from '@sotto/verifier/nvidia'
import { snpVendorRoots } from '@sotto/verifier/snp'
import type { CollateralRoots } from './types.ts'

/** The verifier's own pinned roots. */
export function vendorRoots(): CollateralRoots {
  return { amd: snpVendorRoots().arks, intel: intelSgxRootCa(), nvidia: nvidiaRoots() }
}
