import { fromHex, toHex } from '@sotto/protocol/bytes'
import { DocumentFields } from './document-fields.ts'
import type { ReportBody } from './report-body.ts'
import { readEnclaveLevels, type EnclaveLevel } from './tcb-info.ts'

/** Identity of the quoting enclave of SGX (`QE`) or of TDX (`TD_QE`), version 2. */
export interface QeIdentity {
  id: 'QE' | 'TD_QE'
  /** Unix seconds. */
  issueDate: number
  nextUpdate: number
  tcbEvaluationDataNumber: number
  /** Lower-case hexadecimal, as the others. */
  miscselect: string
  miscselectMask: string
  attributes: string
  attributesMask: string
  mrsigner: string
  isvprodid: number
  levels: readonly EnclaveLevel[]
}

/** @throws `EVIDENCE_MALFORMED` (fix-input), for another version or enclave too */
export function readQeIdentity(value: unknown): QeIdentity {
  const fields = new DocumentFields(value, 'enclaveIdentity')
  const isTdx = fields.text('id') === 'TD_QE'
  if (!isTdx) fields.exactly('id', 'QE')
  fields.exactly('version', 2)
  return {
    id: isTdx ? 'TD_QE' : 'QE',
    issueDate: fields.time('issueDate'),
    nextUpdate: fields.time('nextUpdate'),
    tcbEvaluationDataNumber: fields.integer('tcbEvaluationDataNumber', 0xffff_ffff),
    miscselect: fields.hex('miscselect', 4),
    miscselectMask: fields.hex('miscselectMask', 4),
    attributes: fields.hex('attributes', 16),
    attributesMask: fields.hex('attributesMask', 16),
    mrsigner: fields.hex('mrsigner', 32),
    isvprodid: fields.integer('isvprodid', 0xffff),
    levels: readEnclaveLevels(fields),
  }
}

/**
 * What about a report is not of this enclave: names of fields with what they should be; none when it is.
 * Without this comparison any enclave that the platform certifies could make quotes (CVE-2026-22696).
 */
export function findQeDifferences(
  identity: QeIdentity,
  report: ReportBody,
): { field: string; expected: string; found: string }[] {
  const fields: [field: string, expected: string, found: string][] = [
    ['MISCSELECT', identity.miscselect, masked(report.MISCSELECT, identity.miscselectMask)],
    ['ATTRIBUTES', identity.attributes, masked(report.ATTRIBUTES, identity.attributesMask)],
    ['MRSIGNER', identity.mrsigner, toHex(report.MRSIGNER)],
    ['ISVPRODID', `${identity.isvprodid}`, `${report.ISVPRODID}`],
  ]
  return fields
    .filter(([, expected, found]) => expected !== found)
    .map(([field, expected, found]) => ({ field, expected, found }))
}

/** Bytes under a mask of the same length, in hexadecimal. */
export function masked(bytes: Uint8Array, mask: string): string {
  const bits = fromHex(mask)
  return toHex(bytes.map((byte, i) => byte & bits[i]!))
}
