import { concat } from '@sotto/protocol/bytes'
import { crypto } from '@sotto/protocol/crypto-backend'
import { REPORT_BYTES, SIGNED_BYTES } from '@sotto/verifier/snp'

/** What a report says; numbers and bytes as AMD 56860, table ATTESTATION_REPORT, has them. */
export interface FakeReportFields {
  version: number
  guestSvn: number
  policy: bigint
  familyId: Uint8Array
  imageId: Uint8Array
  vmpl: number
  /** 8 bytes each, lowest first. */
  currentTcb: Uint8Array
  reportedTcb: Uint8Array
  committedTcb: Uint8Array
  launchTcb: Uint8Array
  platformInfo: bigint
  keyFlags: number
  reportData: Uint8Array
  measurement: Uint8Array
  hostData: Uint8Array
  idKeyDigest: Uint8Array
  authorKeyDigest: Uint8Array
  reportId: Uint8Array
  /** Family, model and stepping; written from version 3 on. */
  cpuid: readonly [number, number, number]
  chipId: Uint8Array
  /** Build, minor and major number. */
  current: readonly [number, number, number]
  committed: readonly [number, number, number]
  /** Launch and current vector; written in version 5. */
  mitigations: readonly [bigint, bigint]
}

/** The first 672 bytes of a report: everything that is signed. */
export function reportBody(fields: FakeReportFields): Uint8Array {
  const body = new Uint8Array(SIGNED_BYTES)
  const view = new DataView(body.buffer)
  view.setUint32(0x00, fields.version, true)
  view.setUint32(0x04, fields.guestSvn, true)
  view.setBigUint64(0x08, fields.policy, true)
  body.set(fields.familyId, 0x10)
  body.set(fields.imageId, 0x20)
  view.setUint32(0x30, fields.vmpl, true)
  view.setUint32(0x34, 1, true)
  body.set(fields.currentTcb, 0x38)
  view.setBigUint64(0x40, fields.platformInfo, true)
  view.setUint32(0x48, fields.keyFlags, true)
  body.set(fields.reportData, 0x50)
  body.set(fields.measurement, 0x90)
  body.set(fields.hostData, 0xc0)
  body.set(fields.idKeyDigest, 0xe0)
  body.set(fields.authorKeyDigest, 0x110)
  body.set(fields.reportId, 0x140)
  body.set(new Uint8Array(32).fill(0xff), 0x160)
  body.set(fields.reportedTcb, 0x180)
  if (fields.version >= 3) body.set(fields.cpuid, 0x188)
  body.set(fields.chipId, 0x1a0)
  body.set(fields.committedTcb, 0x1e0)
  body.set(fields.current, 0x1e8)
  body.set(fields.committed, 0x1ec)
  body.set(fields.launchTcb, 0x1f0)
  if (fields.version >= 5) {
    view.setBigUint64(0x1f8, fields.mitigations[0], true)
    view.setBigUint64(0x200, fields.mitigations[1], true)
  }
  return body
}

/** A whole report: body and signature of a P-384 key, R and S little-endian in 72 bytes each. */
export function signReport(body: Uint8Array, privateKey: Uint8Array): Uint8Array {
  const raw = crypto.ecdsa.importPrivate('P-384', 'sha384', privateKey).sign(body)
  const report = concat(body, new Uint8Array(REPORT_BYTES - SIGNED_BYTES))
  report.set(raw.slice(0, 48).toReversed(), SIGNED_BYTES)
  report.set(raw.slice(48).toReversed(), SIGNED_BYTES + 72)
  return report
}
