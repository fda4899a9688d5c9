import { boolean, type Decoder, hex, integer, label, list, object, oneOf, partial } from '@sotto/protocol/jcs'
import type { SnpProduct } from './product.ts'
import type { TcbVersion } from './tcb.ts'

/** Features that a guest can demand in POLICY; the firmware then starts it on no machine without them. */
export const GUEST_FEATURES = [
  'smt-off',
  'single-socket',
  'cxl-off',
  'mem-aes-256-xts',
  'rapl-off',
  'ciphertext-hiding',
  'page-swap-off',
] as const

/** States of the machine in PLATFORM_INFO; its owner can change them at the next boot. */
export const PLATFORM_FEATURES = ['smt-off', 'tsme', 'ecc', 'rapl-off', 'ciphertext-hiding'] as const

/** Lowest accepted firmware; a component that is left out may be anything. */
export type TcbFloor = Partial<TcbVersion>

/** Whose endorsement of a utility VM counts (Azure Container Instances). */
export interface UvmPolicy {
  /** Default `ContainerPlat-AMD-UVM`. */
  feed?: string
  /** Lowest accepted security version. Default 0. */
  minimumSvn?: number
  /** Purpose that its signer is certified for. Default that of `ContainerPlat-AMD-UVM`. */
  eku?: string
}

/**
 * What an SNP report must say to be accepted. Everything may be left out, which allows nothing that
 * weakens a guest. Without `measurements` (or `uvm`) and `hostData` the verdict says nothing about
 * which program runs. Values are lower-case hexadecimal.
 */
export interface SevSnpPolicy {
  /** Default false: the hypervisor can read a guest in debug mode. */
  allowDebug?: boolean
  /** Default false: a migration agent can move the guest's secrets to another machine. */
  allowMigrationAgent?: boolean
  /** Accepted privilege levels, 0 (highest) to 3. Default `[0]`. */
  vmpls?: readonly number[]
  /** Lowest firmware ABI that the guest must have demanded. Default any. */
  minimumAbi?: { major: number; minor: number }
  requireGuest?: readonly (typeof GUEST_FEATURES)[number][]
  requirePlatform?: readonly (typeof PLATFORM_FEATURES)[number][]
  /** True refuses firmware that did not look for aliased memory at boot (BadRAM, AMD-SB-3015). Default false. */
  requireAliasCheck?: boolean
  /** Accepted MEASUREMENT, 48 bytes. */
  measurements?: readonly string[]
  /** Accepted HOST_DATA, 32 bytes. */
  hostData?: readonly string[]
  familyIds?: readonly string[]
  imageIds?: readonly string[]
  /** Accepted ID_KEY_DIGEST, 48 bytes. */
  idKeyDigests?: readonly string[]
  /** Accepted AUTHOR_KEY_DIGEST, 48 bytes; also demands AUTHOR_KEY_EN. */
  authorKeyDigests?: readonly string[]
  /** Lowest GUEST_SVN of the ID block. Default 0. */
  minimumGuestSvn?: number
  /** Demands an endorsement of the measurement by Microsoft. */
  uvm?: UvmPolicy
  /** Floors for REPORTED, COMMITTED and LAUNCH TCB by product; a product that is not named is refused. Default any. */
  minimumTcb?: Partial<Record<SnpProduct, TcbFloor>>
  /** Default false: firmware that is not committed can be replaced by an older one without a reboot of the guest. */
  allowProvisionalFirmware?: boolean
  /** Default false: a CRL that is given is verified, none need be given. */
  requireRevocation?: boolean
  /** Accepted CHIP_ID, 64 bytes. */
  chipIds?: readonly string[]
  /** Cloud providers whose VLEK is accepted, as `cspID` names them. Default any. */
  cspIds?: readonly string[]
}

const MAX_ENTRIES = 4096
const level = integer(0, 255)
const svn = integer(0, 0xffff_ffff)
const floor = partial<TcbVersion>({ fmc: level, bl: level, tee: level, snp: level, ucode: level })

/** Reads a policy that a person wrote. @throws `JCS_FIELD` (fix-input), for unknown members too */
export const sevSnpPolicyDecoder: Decoder<SevSnpPolicy> = partial<SevSnpPolicy>({
  allowDebug: boolean(),
  allowMigrationAgent: boolean(),
  vmpls: list(integer(0, 3), 1, 4),
  minimumAbi: object({ major: level, minor: level }),
  requireGuest: list(oneOf(...GUEST_FEATURES), 0, GUEST_FEATURES.length),
  requirePlatform: list(oneOf(...PLATFORM_FEATURES), 0, PLATFORM_FEATURES.length),
  requireAliasCheck: boolean(),
  measurements: digests(48),
  hostData: digests(32),
  familyIds: digests(16),
  imageIds: digests(16),
  idKeyDigests: digests(48),
  authorKeyDigests: digests(48),
  minimumGuestSvn: svn,
  uvm: partial<UvmPolicy>({ feed: label(256), minimumSvn: svn, eku: label(128) }),
  minimumTcb: partial<Record<SnpProduct, TcbFloor>>({ milan: floor, genoa: floor, turin: floor }),
  allowProvisionalFirmware: boolean(),
  requireRevocation: boolean(),
  chipIds: digests(64),
  cspIds: list(label(64), 1, MAX_ENTRIES),
})

/** An allow-list names something: an empty one is a mistake, not "anything". */
function digests(bytes: number): Decoder<string[]> {
  return list(hex(bytes), 1, MAX_ENTRIES)
}
