import { fakeAmd, type FakeAmd, type FakeChip } from '@sotto/testkit/snp'
import {
  amdAnswers,
  type FakeIntel,
  fakeIntel,
  type FakeNvidia,
  fakeNvidia,
  intelAnswers,
  nvidiaAnswers,
  startVendorServer,
  type VendorServer,
} from '@sotto/testkit/vendor-services'
import { FAKE_NOW } from '@sotto/testkit/x509'
import {
  type CollateralRoots,
  fetchCollateral,
  type FetchCollateralOptions,
  type FetchedCollateral,
  type Need,
  VENDOR_ENDPOINTS,
} from '../../src/collateral/index.ts'
import { memoryStorage } from '../../src/trust/last-checkpoint.ts'

/** Vendors of one's own, with everything that one piece of evidence of each kind needs. */
export interface Services {
  server: VendorServer
  amd: FakeAmd
  chip: FakeChip
  report: Uint8Array
  intel: FakeIntel
  nvidia: FakeNvidia
  roots: CollateralRoots
  /** Unix seconds; tests move it. */
  clock: { now: number }
  notes: string[]
  /** Options with which the keys of NRAS come from NVIDIA's own address. */
  own(): FetchCollateralOptions
  /** Fetches with a cache and a memory of their own that last as long as the services. */
  fetch(needs: readonly Need[], options?: FetchCollateralOptions): Promise<FetchedCollateral>
}

export const PLATFORM = { fmspc: 'b0c06f000000', ca: 'platform' } as const
export const RIM = 'NV_GPU_DRIVER_GH100_550.90.07'

/** Starts them. */
export async function startServices(): Promise<Services> {
  const amd = fakeAmd()
  const chip = amd.chip({ product: 'milan' })
  const report = chip.report()
  const intel = fakeIntel()
  const nvidia = fakeNvidia()
  const server = await startVendorServer([
    ...amdAnswers(amd, chip, 'milan', report),
    ...intelAnswers(intel, 'tdx', PLATFORM),
    ...nvidiaAnswers(nvidia, [RIM]),
  ])
  const roots = { amd: amd.roots.arks, intel: intel.root.certificate, nvidia: nvidia.roots }
  const clock = { now: FAKE_NOW }
  const notes: string[] = []
  const [cache, seen] = [memoryStorage(), memoryStorage()]
  return {
    server,
    amd,
    chip,
    report,
    intel,
    nvidia,
    roots,
    clock,
    notes,
    own() {
      const { nvidiaNras = '', ...mirrors } = server.mirrors
      const toServer: typeof globalThis.fetch = (input, init) =>
        globalThis.fetch(`${input as URL}`.replace(`${VENDOR_ENDPOINTS.nvidiaNras}/`, `${nvidiaNras}/`), init)
      return { mirrors, fetch: toServer }
    },
    fetch: (needs, options = {}) =>
      fetchCollateral(needs, {
        mirrors: server.mirrors,
        roots,
        cache,
        seen,
        now: () => clock.now,
        pause: async () => {},
        onNote: (note) => notes.push(note),
        ...options,
      }),
  }
}

/** Codes of what could not be had. */
export function codesOf({ unmet }: FetchedCollateral): string[] {
  return unmet.map(({ error }) => error.code)
}
