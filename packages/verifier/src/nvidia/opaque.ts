import { littleEndian, malformedReport } from './spdm.ts'

/** Types of opaque data, in the names and numbers of NVIDIA's verifiers (nvtrust `spdm_msrt_resp_msg.py`, attestation-sdk). */
export const OPAQUE = {
  CERT_ISSUER_NAME: 1,
  CERT_AUTHORITY_KEY_IDENTIFIER: 2,
  DRIVER_VERSION: 3,
  GPU_INFO: 4,
  SKU: 5,
  VBIOS_VERSION: 6,
  MANUFACTURER_ID: 7,
  TAMPER_DETECTION: 8,
  SMC: 9,
  VPR: 10,
  NVDEC0_STATUS: 11,
  MSRSCNT: 12,
  CPRINFO: 13,
  BOARD_ID: 14,
  CHIP_SKU: 15,
  CHIP_SKU_MOD: 16,
  PROJECT: 17,
  PROJECT_SKU: 18,
  PROJECT_SKU_MOD: 19,
  FWID: 20,
  PROTECTED_PCIE_STATUS: 21,
  /** Of a switch: its own identifier. */
  SWITCH_PDI: 22,
  FLOORSWEPT_PORTS: 23,
  POSITION_ID: 24,
  LOCK_SWITCH_STATUS: 25,
  GPU_LINK_CONN: 32,
  SYS_ENABLE_STATUS: 33,
  OPAQUE_DATA_VERSION: 34,
  CHIP_INFO: 35,
  FEATURE_FLAG: 36,
} as const

/** Highest type that version 1 of the opaque data has; some below it (26: GPUs behind a switch) have no name above. */
const LAST_TYPE = 36
/** Highest OPAQUE_DATA_VERSION that is understood; a report without one is older than the first. */
const LAST_VERSION = 1
/** Each type at most once. */
const TYPE_BYTES = 2
const LENGTH_BYTES = 2

const NAMES = new Map<number, string>(Object.entries(OPAQUE).map(([name, type]) => [type, name]))

/** Values by type, in the order of the report. */
export type OpaqueData = ReadonlyMap<number, Uint8Array>

/**
 * Type, length and value one after the other; no type twice, none that nobody knows.
 *
 * @throws `EVIDENCE_MALFORMED` (fix-input)
 */
export function parseOpaqueData(bytes: Uint8Array): OpaqueData {
  const fields = new Map<number, Uint8Array>()
  let at = 0
  while (at < bytes.length) {
    const start = at + TYPE_BYTES + LENGTH_BYTES
    if (start > bytes.length) throw malformedReport('opaque data', 'a type and a length', 'the end')
    const type = littleEndian(bytes.subarray(at, at + TYPE_BYTES))
    const end = start + littleEndian(bytes.subarray(at + TYPE_BYTES, start))
    if (type === 0 || type > LAST_TYPE)
      throw malformedReport('opaque data', `type 1 to ${LAST_TYPE}`, `${type}`)
    if (end > bytes.length)
      throw malformedReport(opaqueName(type), `${end - start} bytes`, `${bytes.length - start}`)
    if (fields.has(type)) throw malformedReport('opaque data', 'each type once', `${opaqueName(type)} twice`)
    fields.set(type, bytes.subarray(start, end))
    at = end
  }
  const version = littleEndian(fields.get(OPAQUE.OPAQUE_DATA_VERSION)?.subarray(0, 6) ?? new Uint8Array(0))
  if (version > LAST_VERSION)
    throw malformedReport('OPAQUE_DATA_VERSION', `at most ${LAST_VERSION}`, `${version}`)
  return fields
}

/** Name of a type; its number where it has none. */
export function opaqueName(type: number): string {
  return NAMES.get(type) ?? `${type}`
}

/**
 * Text in a field of fixed size: printable ASCII, filled up with NUL.
 *
 * @throws `EVIDENCE_MALFORMED` (fix-input)
 */
export function opaqueText(fields: OpaqueData, type: number): string | undefined {
  const bytes = fields.get(type)
  if (bytes === undefined) return undefined
  let end = bytes.length
  while (end > 0 && bytes[end - 1] === 0) end--
  let text = ''
  for (const byte of bytes.subarray(0, end)) {
    if (byte < 0x20 || byte > 0x7e)
      throw malformedReport(opaqueName(type), 'printable ASCII', 'something else')
    text += String.fromCharCode(byte)
  }
  return text
}
