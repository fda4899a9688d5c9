import { concat, utf8 } from '@sotto/protocol/bytes'
import { crypto } from '@sotto/protocol/crypto-backend'

/** Types of opaque data, as NVIDIA numbers them. */
export const FAKE_OPAQUE = {
  DRIVER_VERSION: 3,
  GPU_INFO: 4,
  VBIOS_VERSION: 6,
  NVDEC0_STATUS: 11,
  CHIP_SKU: 15,
  PROJECT: 17,
  PROJECT_SKU: 18,
  FWID: 20,
  PROTECTED_PCIE_STATUS: 21,
  OPAQUE_DATA_VERSION: 34,
  CHIP_INFO: 35,
  FEATURE_FLAG: 36,
} as const

/** What a report says; everything has a default that a verifier accepts. */
export interface FakeReportOptions {
  /** Of the relying party, 32 bytes. */
  nonce?: Uint8Array
  /** Values of the measurement blocks 1, 2, …; 48 bytes each. */
  measurements?: readonly Uint8Array[]
  /** Replaces values of opaque data by type; `undefined` leaves one out. */
  opaque?: Readonly<Record<number, Uint8Array | undefined>>
  /** Written behind the other opaque data, as it is. */
  moreOpaque?: Uint8Array
  /** Changes what is signed, before it is. */
  edit?: (unsigned: Uint8Array) => Uint8Array
  /** Signs with this key, a P-384 scalar. */
  signWith?: Uint8Array
}

/** Little-endian number of `length` bytes. */
export function littleEndianBytes(value: number, length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => Math.floor(value / 256 ** i) % 256)
}

/** A value of opaque data with its type and length. */
export function opaqueField(type: number, value: Uint8Array): Uint8Array {
  return concat(littleEndianBytes(type, 2), littleEndianBytes(value.length, 2), value)
}

/** GET_MEASUREMENTS with a nonce and MEASUREMENTS with everything that it asks for (SPDM 1.1), signed. */
export function writeReport(
  opaque: ReadonlyMap<number, Uint8Array>,
  measurements: readonly Uint8Array[],
  options: FakeReportOptions & { signWith: Uint8Array },
): Uint8Array {
  const values = options.measurements ?? measurements
  const record = concat(...values.map((value, i) => measurementBlock(i + 1, value)))
  const fields = new Map(opaque)
  for (const [type, value] of Object.entries(options.opaque ?? {}))
    if (value === undefined) fields.delete(Number(type))
    else fields.set(Number(type), value)
  const opaqueData = concat(
    ...[...fields].map(([type, value]) => opaqueField(type, value)),
    options.moreOpaque ?? new Uint8Array(0),
  )
  const unsigned = concat(
    Uint8Array.of(0x11, 0xe0, 0x01, 0xff),
    options.nonce ?? new Uint8Array(32).fill(0x11),
    Uint8Array.of(0),
    Uint8Array.of(0x11, 0x60, 0, 0, values.length),
    littleEndianBytes(record.length, 3),
    record,
    crypto.randomBytes(32),
    littleEndianBytes(opaqueData.length, 2),
    opaqueData,
  )
  const signed = options.edit?.(unsigned) ?? unsigned
  return concat(signed, crypto.ecdsa.importPrivate('P-384', 'sha384', options.signWith).sign(signed))
}

/** A block of DMTF's specification with a hash of mutable firmware. */
export function measurementBlock(index: number, value: Uint8Array): Uint8Array {
  return concat(
    Uint8Array.of(index, 1),
    littleEndianBytes(value.length + 3, 2),
    Uint8Array.of(1),
    littleEndianBytes(value.length, 2),
    value,
  )
}

/** Text as opaque data has it, ended with NUL. */
export function opaqueText(text: string): Uint8Array {
  return concat(utf8(text), Uint8Array.of(0))
}
