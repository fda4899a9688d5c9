import { fromHex } from '@sotto/protocol/bytes'
import { crypto } from '@sotto/protocol/crypto-backend'
import { REPORT_BYTES, SIGNED_BYTES } from '../snp/index.ts'

/** What the software TEE reports. */
export interface SoftwareReportFields {
  /** 96 hexadecimal characters. */
  measurement: string
  /** 64 hexadecimal characters. */
  hostData: string
  /** 64 bytes. */
  reportData: Uint8Array
  /** 64 bytes. */
  chipId: Uint8Array
}

/** POLICY with the bit the ABI requires (17) and nothing else: no debug, no migration. */
const GUEST_POLICY = 1n << 17n

/**
 * A report in the SNP layout, signed by a software root. Never part of a measured image: only the
 * launcher and tests import it.
 *
 * @param rootPrivateKey P-384 scalar, 48 bytes
 */
export function signSoftwareReport(fields: SoftwareReportFields, rootPrivateKey: Uint8Array): Uint8Array {
  const report = new Uint8Array(REPORT_BYTES)
  const view = new DataView(report.buffer)
  view.setUint32(0, 2, true) // VERSION
  view.setBigUint64(0x08, GUEST_POLICY, true)
  view.setUint32(0x34, 1, true) // SIGNATURE_ALGO
  report.set(fields.reportData, 0x50)
  report.set(fromHex(fields.measurement), 0x90)
  report.set(fromHex(fields.hostData), 0xc0)
  report.set(crypto.randomBytes(32), 0x140) // REPORT_ID
  report.set(fields.chipId, 0x1a0)
  const signature = crypto.ecdsa
    .importPrivate('P-384', 'sha384', rootPrivateKey)
    .sign(report.subarray(0, SIGNED_BYTES))
  report.set(signature.slice(0, 48).toReversed(), SIGNED_BYTES)
  report.set(signature.slice(48).toReversed(), SIGNED_BYTES + 72)
  return report
}
