import { toHex } from '@sotto/protocol/bytes'
import { crypto } from '@sotto/protocol/crypto-backend'
import type { NvidiaRoots } from '@sotto/verifier/nvidia'
import { type FakeIdentity, fakeRoot } from '../x509/index.ts'
import { type FakeDevice, type FakeDeviceOptions, makeDevice } from './device.ts'
import { type FakeNras, makeNras } from './nras.ts'
import { type FakeRimOptions, writeRim } from './rim.ts'

export type { FakeDevice, FakeDeviceOptions } from './device.ts'
export type { FakeNras, FakeTokenOptions } from './nras.ts'
export {
  FAKE_OPAQUE,
  type FakeReportOptions,
  littleEndianBytes,
  measurementBlock,
  opaqueField,
  opaqueText,
} from './report.ts'
export type { FakeRimOptions } from './rim.ts'

/** A vendor of GPUs: roots, devices, reference manifests and a service. Dates are around `FAKE_NOW`. */
export interface FakeNvidia {
  /** What to pin instead of NVIDIA's. */
  roots: NvidiaRoots
  /** Provisioner, identity authority and root of devices. */
  deviceAuthorities: readonly [FakeIdentity, FakeIdentity, FakeIdentity]
  /** Signer of manifests, two authorities and the root. */
  rimPath: readonly [FakeIdentity, FakeIdentity, FakeIdentity, FakeIdentity]
  /** Issues keys of the service; its certificate is what is pinned. */
  nrasAuthority: FakeIdentity
  nras: FakeNras
  /** What every device measures, 64 values. */
  measurements: readonly Uint8Array[]
  device(options?: FakeDeviceOptions): FakeDevice
  /** A manifest signed by the vendor; without options that of the driver. */
  rim(options?: FakeRimOptions): Uint8Array
  /** Manifests of a Hopper GPU: of its driver and its firmware. */
  rims(): { driver: Uint8Array; vbios: Uint8Array }
}

/** Indices that each manifest speaks of, as on Hopper: 35 is the video decoder's. */
const VBIOS_INDICES = [0, 1, 2, 3]
const DRIVER_INDICES = [7, 21, 35, 40]

/** Founds the vendor. */
export function fakeNvidia(): FakeNvidia {
  const curve = 'P-384' as const
  const deviceRoot = fakeRoot({ commonName: 'Fake Device Identity CA', curve })
  const identity = deviceRoot.issue({ commonName: 'Fake GH100 Identity', ca: true })
  const provisioner = identity.issue({ commonName: 'Fake GH100 Provisioner ICA 1', ca: true })
  const rimRoot = fakeRoot({ commonName: 'Fake CoRIM signing Root CA', curve })
  const rimL2 = rimRoot.issue({ commonName: 'Fake Reference Value GH100 CA', ca: true })
  const rimL3 = rimL2.issue({ commonName: 'Fake Reference Value L3', ca: true, pathLength: 0 })
  const signer = rimL3.issue({ commonName: 'Fake RIM L4 Signer' })
  const nrasAuthority = fakeRoot({ commonName: 'Fake NRAS CA', curve }).issue({
    commonName: 'Fake NRAS Intermediate',
    ca: true,
  })
  const deviceAuthorities = [provisioner, identity, deviceRoot] as const
  const rimPath = [signer, rimL3, rimL2, rimRoot] as const
  const measurements = Array.from({ length: 64 }, () => crypto.randomBytes(48))
  const golden = (indices: readonly number[]): ReadonlyMap<number, readonly Uint8Array[]> =>
    new Map(indices.map((index) => [index, [measurements[index]!]]))
  const rim = (options: FakeRimOptions = {}): Uint8Array =>
    writeRim(rimPath, { golden: golden(DRIVER_INDICES), ...options })
  return {
    roots: {
      devices: [deviceRoot.certificate],
      referenceManifests: [rimRoot.certificate],
      nrasAuthorities: [toHex(crypto.sha256(nrasAuthority.der))],
    },
    deviceAuthorities,
    rimPath,
    nrasAuthority,
    nras: makeNras(nrasAuthority),
    measurements,
    device: (options) => makeDevice(deviceAuthorities, measurements, options),
    rim,
    rims: () => ({
      driver: rim(),
      vbios: rim({ version: '96.00.9F.00.01', golden: golden(VBIOS_INDICES) }),
    }),
  }
}
