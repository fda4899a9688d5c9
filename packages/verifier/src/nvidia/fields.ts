import { equalBytes, toHex } from '@sotto/protocol/bytes'
import { DerReader, TAG } from '@sotto/protocol/der'
import type { Certificate } from '@sotto/protocol/x509'
import type { FieldObject } from '../family/index.ts'
import type { DeviceEvidence, NvidiaDevice } from './evidence.ts'
import { rimIds } from './evidence.ts'
import { OPAQUE } from './opaque.ts'
import { FEATURE, type NvidiaReport } from './report.ts'

/** What one report says, in the names of other suites. */
export function reportFields(report: NvidiaReport): FieldObject {
  const { spdm, opaque } = report
  return {
    fwid: hexOrEmpty(report.fwid),
    nonce: toHex(spdm.requesterNonce),
    driver_version: report.driverVersion ?? '',
    vbios_raw: hexOrEmpty(opaque.get(OPAQUE.VBIOS_VERSION)),
    vbios_version: report.vbiosVersion,
    measurement_blocks: spdm.blocks.length,
    // The parser refuses any.
    trailing_bytes: 0,
    project: report.project ?? null,
    project_sku: report.projectSku ?? null,
    chip_sku: report.chipSku ?? null,
    feature_flag: hexOrEmpty(opaque.get(OPAQUE.FEATURE_FLAG)),
    mode: modeOf(report),
    gpu_info: hexOrEmpty(opaque.get(OPAQUE.GPU_INFO)),
    opaque_ids: report.opaqueIds,
  }
}

/** What its certificates say about a device. */
export function deviceFields(device: NvidiaDevice): FieldObject {
  const { certificates, identity, report, name, architecture } = device
  return {
    fwid_matches_leaf_dice_ext: report.fwid
      ? identity !== undefined && equalBytes(identity.fwid, report.fwid)
      : null,
    leaf_cn: nameWithoutSerial(certificates[0]!),
    chain_len: certificates.length,
    architecture,
    device: name ?? null,
    rim_ids: rimIds(device),
  }
}

/** Of each GPU what tells it from every other one, and what it runs; switches are none. */
export function gpuFields(devices: readonly NvidiaDevice[]): FieldObject {
  const gpus = devices.filter(({ architecture }) => architecture !== 'ls10')
  return {
    gpu_ids: gpus.map(({ ids }) => ids),
    gpu_firmwares: gpus.map(({ report }) => `${report.driverVersion} ${report.vbiosVersion}`),
  }
}

/** What a list of reports says together. */
export function listFields(reports: readonly DeviceEvidence[]): FieldObject {
  return {
    devices: reports.length,
    distinct_reports: countDistinct(reports),
    nonce: toHex(reports[0]!.report.spdm.requesterNonce),
    reports: reports.map(({ report }) => reportFields(report)),
  }
}

/** Reports that are not copies of another. */
function countDistinct(reports: readonly DeviceEvidence[]): number {
  return new Set(reports.map(({ report: { spdm } }) => `${toHex(spdm.signed)} ${toHex(spdm.signature)}`)).size
}

function modeOf({ feature, protectedPcie }: NvidiaReport): string | null {
  if (feature !== undefined) return FEATURE[feature] ?? 'unknown'
  return protectedPcie === true ? 'protected-pcie' : null
}

function hexOrEmpty(bytes: Uint8Array | undefined): string {
  return bytes ? toHex(bytes) : ''
}

const SHORT_NAMES: Readonly<Record<string, string>> = {
  '2.5.4.3': 'CN',
  '2.5.4.6': 'C',
  '2.5.4.7': 'L',
  '2.5.4.8': 'ST',
  '2.5.4.10': 'O',
}

/** A subject as RFC 4514 writes it, last attribute first. For people, and for comparing with other suites. */
export function subjectText({ subject }: Certificate): string {
  const parts: string[] = []
  const name = new DerReader(subject).enter(TAG.SEQUENCE)
  while (!name.atEnd) {
    const attribute = name.enter(TAG.SET).enter(TAG.SEQUENCE)
    const type = attribute.oid()
    const value = new TextDecoder().decode(attribute.take(attribute.nextTag))
    parts.unshift(`${SHORT_NAMES[type] ?? type}=${value}`)
  }
  return parts.join(',')
}

const SERIAL_NUMBER = '2.5.4.5='

/** Up to the serial number, which is of this one key. */
function nameWithoutSerial(certificate: Certificate): string {
  const text = subjectText(certificate)
  const at = text.indexOf(SERIAL_NUMBER)
  return at < 0 ? text : text.slice(0, at)
}
