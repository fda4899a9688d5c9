import { toHex } from '@sotto/protocol/bytes'
import type { FieldValue } from '../family/index.ts'
import { bitOf, GUEST_POLICY, minimumAbi } from './guest.ts'
import type { FirmwareVersion, SnpReport } from './report.ts'
import { tcbBytes } from './tcb.ts'
import type { UvmEndorsement } from './uvm.ts'

/** Values of SIGNING_KEY in KEY_FLAGS (AMD 56860, table ATTESTATION_REPORT). */
const SIGNING_KEYS: Readonly<Record<number, 'VCEK' | 'VLEK' | 'none'>> = { 0: 'VCEK', 1: 'VLEK', 7: 'none' }

/** KEY_FLAGS in its parts. */
export interface KeyFlags {
  /** Undefined for a reserved value. */
  signingKey: 'VCEK' | 'VLEK' | 'none' | undefined
  /** 1: the firmware was told not to sign. */
  maskChipKey: 0 | 1
  /** 1: AUTHOR_KEY_DIGEST is of a key that signed the ID key. */
  authorKeyEnabled: 0 | 1
}

/** Bit 0 AUTHOR_KEY_EN, bit 1 MASK_CHIP_KEY, bits 2 to 4 SIGNING_KEY. */
export function decodeKeyFlags({ KEY_FLAGS }: Pick<SnpReport, 'KEY_FLAGS'>): KeyFlags {
  return {
    signingKey: SIGNING_KEYS[KEY_FLAGS >> 2],
    maskChipKey: (KEY_FLAGS >> 1) & 1 ? 1 : 0,
    authorKeyEnabled: KEY_FLAGS & 1 ? 1 : 0,
  }
}

/** Fields of a report. Byte strings and TCB versions in hexadecimal as they stand in it, POLICY and PLATFORM_INFO as numbers. */
export function reportFields(report: SnpReport): Record<string, FieldValue> {
  const { signingKey, maskChipKey, authorKeyEnabled } = decodeKeyFlags(report)
  const { POLICY, CPUID, MIT_VECTOR } = report
  const abi = minimumAbi(POLICY)
  return {
    version: report.VERSION,
    guest_svn: report.GUEST_SVN,
    policy: numberText(POLICY),
    pol: {
      abi: `${abi.major}.${abi.minor}`,
      smt: bitOf(POLICY, GUEST_POLICY.SMT),
      rsvd1: bitOf(POLICY, GUEST_POLICY.RESERVED_ONE),
      migrate_ma: bitOf(POLICY, GUEST_POLICY.MIGRATE_MA),
      debug: bitOf(POLICY, GUEST_POLICY.DEBUG),
      single_socket: bitOf(POLICY, GUEST_POLICY.SINGLE_SOCKET),
    },
    vmpl: report.VMPL,
    signing_key: signingKey ?? 'reserved',
    mask_chip_key: maskChipKey,
    author_key_en: authorKeyEnabled,
    measurement: toHex(report.MEASUREMENT),
    report_data: toHex(report.REPORT_DATA),
    host_data: toHex(report.HOST_DATA),
    family_id: toHex(report.FAMILY_ID),
    image_id: toHex(report.IMAGE_ID),
    id_key_digest: toHex(report.ID_KEY_DIGEST),
    author_key_digest: toHex(report.AUTHOR_KEY_DIGEST),
    report_id: toHex(report.REPORT_ID),
    chip_id: toHex(report.CHIP_ID),
    platform_info: numberText(report.PLATFORM_INFO),
    // Version 2 has no CPUID bytes: they are reserved and zero.
    cpuid: CPUID === undefined ? [0, 0, 0] : [CPUID.FAM_ID, CPUID.MOD_ID, CPUID.STEP],
    current_tcb: toHex(tcbBytes(report.CURRENT_TCB)),
    reported_tcb: toHex(tcbBytes(report.REPORTED_TCB)),
    committed_tcb: toHex(tcbBytes(report.COMMITTED_TCB)),
    launch_tcb: toHex(tcbBytes(report.LAUNCH_TCB)),
    current_firmware: firmwareText(report.CURRENT),
    committed_firmware: firmwareText(report.COMMITTED),
    ...(MIT_VECTOR && {
      launch_mitigations: numberText(MIT_VECTOR.LAUNCH),
      current_mitigations: numberText(MIT_VECTOR.CURRENT),
    }),
    chain: 'absent',
    signature: 'cannot be checked offline',
  }
}

/** Fields of an endorsement. */
export function uvmFields({ issuer, feed, svn, launchMeasurement, chain, root }: UvmEndorsement): FieldValue {
  const { notBefore, notAfter } = chain.chain[0]!
  return {
    cose_alg: -38,
    issuer,
    feed,
    svn: String(svn),
    launchmeasurement: launchMeasurement,
    signing_chain_valid: `${dateText(notBefore).slice(0, 10)}..${dateText(notAfter).slice(0, 10)}`,
    x5chain_root_sha256: root.slice(0, 16),
  }
}

/** `1.55.29`: major, minor and build number. */
export function firmwareText({ MAJOR, MINOR, BUILD }: FirmwareVersion): string {
  return `${MAJOR}.${MINOR}.${BUILD}`
}

/** RFC 3339 with a numeric offset. */
export function dateText(seconds: number): string {
  return new Date(seconds * 1000).toISOString().replace('.000Z', '+00:00')
}

function numberText(value: bigint): string {
  return `0x${value.toString(16)}`
}
