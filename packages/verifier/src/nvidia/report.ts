import { toHex } from '@sotto/protocol/bytes'
import { OPAQUE, type OpaqueData, opaqueName, opaqueText, parseOpaqueData } from './opaque.ts'
import { littleEndian, malformedReport, parseSpdmReport, type SpdmReport } from './spdm.ts'
import { DRIVER_VERSION, VBIOS_VERSION } from './versions.ts'

/** How the device says that a hardware feature is on or off: values far apart, against faults. */
const ENABLED = 0xaa
const DISABLED = 0x55
const STATUS = { [ENABLED]: true, [DISABLED]: false } as const

/** How GPUs of one guest are joined (FEATURE_FLAG). */
export const FEATURE = ['single-gpu', 'multi-gpu', 'protected-pcie'] as const

/** What a GPU or an NVSwitch says about itself. Structure only: authentic after `verifyNvidia`. */
export interface NvidiaReport {
  spdm: SpdmReport
  opaque: OpaqueData
  /** Names of the opaque data in the order of the report. */
  opaqueIds: readonly string[]
  /** Of a GPU only, `550.90.07`: a switch has no driver of its own. */
  driverVersion: string | undefined
  /** `96.00.9F.00.01`. */
  vbiosVersion: string
  project: string | undefined
  projectSku: string | undefined
  chipSku: string | undefined
  /** Chip of newer drivers' RIMs, `GB100`. */
  chip: string | undefined
  /** Identity of the firmware that signs, 48 bytes; drivers before 545 leave it out. */
  fwid: Uint8Array | undefined
  /** Whether the video decoder is on; undefined where the report does not say. */
  nvdec0: boolean | undefined
  /** Whether GPUs talk to each other over links that are not encrypted; undefined where the report does not say. */
  protectedPcie: boolean | undefined
  /** FEATURE_FLAG: an index of {@link FEATURE}, or a number that nobody knows. */
  feature: number | undefined
}

/**
 * Structure of a report with its opaque data.
 *
 * @throws `EVIDENCE_MALFORMED` (fix-input)
 */
export function parseNvidiaReport(bytes: Uint8Array): NvidiaReport {
  const spdm = parseSpdmReport(bytes)
  const opaque = parseOpaqueData(spdm.opaqueData)
  const driverVersion = opaqueText(opaque, OPAQUE.DRIVER_VERSION)
  if (driverVersion !== undefined && !DRIVER_VERSION.test(driverVersion))
    throw malformedReport('DRIVER_VERSION', 'numbers with points between', driverVersion)
  const feature = opaque.get(OPAQUE.FEATURE_FLAG)
  const fwid = opaque.get(OPAQUE.FWID)
  if (fwid && fwid.length !== FWID_BYTES)
    throw malformedReport('FWID', `${FWID_BYTES} bytes`, `${fwid.length}`)
  return {
    spdm,
    opaque,
    opaqueIds: [...opaque.keys()].map(opaqueName),
    driverVersion,
    vbiosVersion: driverVersion === undefined ? switchBiosVersion(opaque) : gpuVbiosVersion(opaque),
    project: opaqueText(opaque, OPAQUE.PROJECT),
    projectSku: opaqueText(opaque, OPAQUE.PROJECT_SKU),
    chipSku: opaqueText(opaque, OPAQUE.CHIP_SKU),
    chip: opaqueText(opaque, OPAQUE.CHIP_INFO),
    fwid,
    nvdec0: status(opaque, OPAQUE.NVDEC0_STATUS),
    protectedPcie: status(opaque, OPAQUE.PROTECTED_PCIE_STATUS),
    // More bytes than a number has are another number than those known.
    feature: feature && (feature.length > 4 ? Number.POSITIVE_INFINITY : littleEndian(feature)),
  }
}

/** SHA-384. */
const FWID_BYTES = 48
const VBIOS_BYTES = 8

/** Five bytes of a little-endian number of 8: the upper four, then the one below them, as NVIDIA prints them. */
function gpuVbiosVersion(opaque: OpaqueData): string {
  const bytes = opaque.get(OPAQUE.VBIOS_VERSION)
  if (bytes?.length !== VBIOS_BYTES || bytes.subarray(5).some((byte) => byte !== 0))
    throw malformedReport('VBIOS_VERSION', '5 bytes, filled up to 8', bytes ? toHex(bytes) : 'nothing')
  return [3, 2, 1, 0, 4].map((i) => toHex(bytes.subarray(i, i + 1)).toUpperCase()).join('.')
}

function switchBiosVersion(opaque: OpaqueData): string {
  const version = opaqueText(opaque, OPAQUE.VBIOS_VERSION)
  if (version === undefined || !VBIOS_VERSION.test(version))
    throw malformedReport('VBIOS_VERSION', 'five hexadecimal numbers', version ?? 'nothing')
  return version
}

function status(opaque: OpaqueData, type: number): boolean | undefined {
  const bytes = opaque.get(type)
  if (bytes === undefined) return undefined
  const value = bytes.length === 1 ? bytes[0] : undefined
  if (value !== ENABLED && value !== DISABLED)
    throw malformedReport(
      opaqueName(type),
      `0x${ENABLED.toString(16)} or 0x${DISABLED.toString(16)}`,
      toHex(bytes),
    )
  return STATUS[value]
}
