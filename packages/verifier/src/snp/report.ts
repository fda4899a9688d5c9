import { equalBytes } from '@sotto/protocol/bytes'
import { verifierError } from '../errors.ts'

/**
 * Attestation report layout: AMD "SEV Secure Nested Paging Firmware ABI Specification" (56860),
 * table ATTESTATION_REPORT. Numbers are little-endian.
 */
export const REPORT_BYTES = 1184
/** The signature covers bytes before it. */
export const SIGNED_BYTES = 0x2a0
/** Each of R and S: 72 bytes little-endian, of which P-384 uses 48. */
const COMPONENT_BYTES = 72
const P384_BYTES = 48
/** SIGNATURE_ALGO: ECDSA P-384 with SHA-384. */
const ECDSA_P384_SHA384 = 1
const ALGORITHM_OFFSET = 0x34

/** A firmware version: build, minor and major number. */
export interface FirmwareVersion {
  BUILD: number
  MINOR: number
  MAJOR: number
}

/** Fields of a report, in the ABI's names. Structure only: authentic after `verifySevSnp`, or `verifyEvidence` for the software TEE. */
export interface SnpReport {
  VERSION: number
  GUEST_SVN: number
  /** See `findGuestDefects`. */
  POLICY: bigint
  FAMILY_ID: Uint8Array
  IMAGE_ID: Uint8Array
  VMPL: number
  CURRENT_TCB: bigint
  PLATFORM_INFO: bigint
  /** Bit 0 AUTHOR_KEY_EN, bit 1 MASK_CHIP_KEY, bits 2-4 SIGNING_KEY. */
  KEY_FLAGS: number
  REPORT_DATA: Uint8Array
  MEASUREMENT: Uint8Array
  HOST_DATA: Uint8Array
  ID_KEY_DIGEST: Uint8Array
  AUTHOR_KEY_DIGEST: Uint8Array
  REPORT_ID: Uint8Array
  REPORT_ID_MA: Uint8Array
  REPORTED_TCB: bigint
  /** CPUID_FAM_ID, CPUID_MOD_ID, CPUID_STEP; from version 3. */
  CPUID?: { FAM_ID: number; MOD_ID: number; STEP: number }
  CHIP_ID: Uint8Array
  COMMITTED_TCB: bigint
  CURRENT: FirmwareVersion
  COMMITTED: FirmwareVersion
  LAUNCH_TCB: bigint
  /** From version 5. */
  MIT_VECTOR?: { LAUNCH: bigint; CURRENT: bigint }
  /** The bytes the signature covers. */
  signed: Uint8Array
  /** R then S, big-endian, 96 bytes (IEEE P1363). */
  signature: Uint8Array
}

/** Reserved ranges that must be zero in every version we accept. */
const MUST_BE_ZERO: readonly [start: number, end: number][] = [
  [0x4c, 0x50],
  [0x18b, 0x1a0],
  [0x1eb, 0x1ec],
  [0x1ef, 0x1f0],
  [0x208, SIGNED_BYTES],
]
/** Bits 5 to 31 of KEY_FLAGS are reserved. */
const MAX_KEY_FLAGS = 0b11111
const FIRST_VERSION = 2
const LAST_VERSION = 5
/** Version 2 has no CPUID bytes, versions before 5 no mitigation vectors: reserved there. */
const CPUID_VERSION = 3
const MITIGATION_VERSION = 5

/**
 * Structure of a report: exact length, known version and algorithm, reserved bytes zero, the
 * unsigned tail of the signature included (it must not carry anything).
 *
 * @throws `EVIDENCE_MALFORMED` (fix-input)
 */
export function parseSnpReport(bytes: Uint8Array): SnpReport {
  if (bytes.length !== REPORT_BYTES) throw malformed('report length', `${REPORT_BYTES}`, `${bytes.length}`)
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  const slice = (start: number, length: number): Uint8Array => bytes.subarray(start, start + length)
  const VERSION = view.getUint32(0, true)
  if (VERSION < FIRST_VERSION || VERSION > LAST_VERSION)
    throw malformed('VERSION', `${FIRST_VERSION} to ${LAST_VERSION}`, `${VERSION}`)
  const algorithm = view.getUint32(ALGORITHM_OFFSET, true)
  if (algorithm !== ECDSA_P384_SHA384)
    throw malformed('SIGNATURE_ALGO', `${ECDSA_P384_SHA384}`, `${algorithm}`)
  const reserved: [number, number][] = [...MUST_BE_ZERO]
  if (VERSION < CPUID_VERSION) reserved.push([0x188, 0x18b])
  if (VERSION < MITIGATION_VERSION) reserved.push([0x1f8, 0x208])
  const KEY_FLAGS = view.getUint32(0x48, true)
  if (KEY_FLAGS > MAX_KEY_FLAGS) throw malformed('reserved bits at 0x48', 'zero', 'something else')
  for (const [start, end] of reserved) {
    if (!isZero(bytes.subarray(start, end)))
      throw malformed(`reserved bytes at 0x${start.toString(16)}`, 'zero', 'something else')
  }
  return {
    VERSION,
    GUEST_SVN: view.getUint32(0x04, true),
    POLICY: view.getBigUint64(0x08, true),
    FAMILY_ID: slice(0x10, 16),
    IMAGE_ID: slice(0x20, 16),
    VMPL: view.getUint32(0x30, true),
    CURRENT_TCB: view.getBigUint64(0x38, true),
    PLATFORM_INFO: view.getBigUint64(0x40, true),
    KEY_FLAGS,
    REPORT_DATA: slice(0x50, 64),
    MEASUREMENT: slice(0x90, 48),
    HOST_DATA: slice(0xc0, 32),
    ID_KEY_DIGEST: slice(0xe0, 48),
    AUTHOR_KEY_DIGEST: slice(0x110, 48),
    REPORT_ID: slice(0x140, 32),
    REPORT_ID_MA: slice(0x160, 32),
    REPORTED_TCB: view.getBigUint64(0x180, true),
    ...(VERSION >= CPUID_VERSION && {
      CPUID: { FAM_ID: bytes[0x188]!, MOD_ID: bytes[0x189]!, STEP: bytes[0x18a]! },
    }),
    CHIP_ID: slice(0x1a0, 64),
    COMMITTED_TCB: view.getBigUint64(0x1e0, true),
    CURRENT: { BUILD: bytes[0x1e8]!, MINOR: bytes[0x1e9]!, MAJOR: bytes[0x1ea]! },
    COMMITTED: { BUILD: bytes[0x1ec]!, MINOR: bytes[0x1ed]!, MAJOR: bytes[0x1ee]! },
    LAUNCH_TCB: view.getBigUint64(0x1f0, true),
    ...(VERSION >= MITIGATION_VERSION && {
      MIT_VECTOR: { LAUNCH: view.getBigUint64(0x1f8, true), CURRENT: view.getBigUint64(0x200, true) },
    }),
    signed: bytes.subarray(0, SIGNED_BYTES),
    signature: parseSignature(bytes.subarray(SIGNED_BYTES)),
  }
}

/** False for what is a report in length and version and names another algorithm than the only one there is. */
export function hasKnownAlgorithm(bytes: Uint8Array): boolean {
  if (bytes.length !== REPORT_BYTES) return true
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  const version = view.getUint32(0, true)
  if (version < FIRST_VERSION || version > LAST_VERSION) return true
  return view.getUint32(ALGORITHM_OFFSET, true) === ECDSA_P384_SHA384
}

function parseSignature(field: Uint8Array): Uint8Array {
  const signature = new Uint8Array(2 * P384_BYTES)
  for (const part of [0, 1]) {
    const component = field.subarray(part * COMPONENT_BYTES, (part + 1) * COMPONENT_BYTES)
    if (!isZero(component.subarray(P384_BYTES))) throw malformed('signature component', '48 bytes', 'more')
    signature.set(component.slice(0, P384_BYTES).toReversed(), part * P384_BYTES)
  }
  if (!isZero(field.subarray(2 * COMPONENT_BYTES)))
    throw malformed('bytes after the signature', 'zero', 'something else')
  return signature
}

/** Whether every byte is zero. */
export function isZero(bytes: Uint8Array): boolean {
  return equalBytes(bytes, new Uint8Array(bytes.length))
}

function malformed(what: string, expected: string, found: string): Error {
  return verifierError('EVIDENCE_MALFORMED', `report field ${what} is malformed`, { expected, found })
}
