import { equalBytes } from '@sotto/protocol/bytes'
import { verifierError } from '../errors.ts'

/**
 * The report that Azure's paravisor (HCL, OpenHCL) keeps in NV index 0x01400001 of the virtual TPM:
 * header, hardware report, request data, runtime data. Layout: openhcl_attestation_protocol,
 * `igvm_attest::get::IgvmAttestRequestBase` (https://github.com/microsoft/openvmm). Numbers are little-endian.
 */
const SIGNATURE = 0x414c4348
/** Header versions: 1 before OpenHCL, 2 with it; the layout is the same. */
const HEADER_VERSIONS: readonly number[] = [1, 2]
const HEADER_BYTES = 32
/** AK_CERT_REQUEST: the one request whose report stands in the TPM. */
const REQUEST_TYPE = 2
/** Room for the largest hardware report, of SEV-SNP; a TDREPORT leaves the rest zero. */
const HARDWARE_REPORT_BYTES = 1184
const TD_REPORT_BYTES = 1024
const REQUEST_DATA_OFFSET = HEADER_BYTES + HARDWARE_REPORT_BYTES
const REQUEST_DATA_BYTES = 20
/** Later versions put capability bits in between, and are for requests to the host only. */
const REQUEST_DATA_VERSION = 1
const RUNTIME_DATA_OFFSET = REQUEST_DATA_OFFSET + REQUEST_DATA_BYTES

/** Largest report: NV indices that occur have 2600 bytes, and a TPM none above 64 KiB. */
export const MAX_HCL_REPORT_BYTES = 16_384

/** Report types by number. VBS, Trusted VM and CCA are not Intel's or AMD's. */
const REPORT_TYPES: Readonly<Record<number, HclReportType>> = { 2: 'SNP', 4: 'TDX' }
const HASHES: Readonly<Record<number, HclHash>> = {
  1: { name: 'sha256', title: 'SHA-256' },
  2: { name: 'sha384', title: 'SHA-384' },
  3: { name: 'sha512', title: 'SHA-512' },
}

/** Which hardware made the report inside. */
export type HclReportType = 'SNP' | 'TDX'

/** Hash of the runtime data, as the header says. */
export interface HclHash {
  name: 'sha256' | 'sha384' | 'sha512'
  title: 'SHA-256' | 'SHA-384' | 'SHA-512'
}

/** Parts of a report. The host can write all of it but what the hardware signed. */
export interface HclReport {
  type: HclReportType
  /** Attestation report of 1184 bytes, or TDREPORT of 1024. */
  hardwareReport: Uint8Array
  /** REPORTDATA of the hardware report, 64 bytes. */
  reportData: Uint8Array
  hash: HclHash
  /** JSON; see `parseRuntimeData`. */
  runtimeData: Uint8Array
}

/**
 * Structure of a report: known versions and types, sizes that agree with each other, zeros where nothing
 * may stand, in the rest of the NV index too.
 *
 * @throws `EVIDENCE_MALFORMED` (fix-input)
 */
export function parseHclReport(bytes: Uint8Array): HclReport {
  if (bytes.length < RUNTIME_DATA_OFFSET || bytes.length > MAX_HCL_REPORT_BYTES)
    throw malformed('length', `${RUNTIME_DATA_OFFSET} to ${MAX_HCL_REPORT_BYTES}`, bytes.length)
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  const at = (offset: number): number => view.getUint32(offset, true)
  const require = (what: string, offset: number, expected: number): void => {
    if (at(offset) !== expected) throw malformed(what, `${expected}`, at(offset))
  }

  if (at(0) !== SIGNATURE) throw malformed('signature', 'HCLA', at(0))
  if (!HEADER_VERSIONS.includes(at(4))) throw malformed('version', HEADER_VERSIONS.join(' or '), at(4))
  require('request_type', 12, REQUEST_TYPE)
  require('status', 16, 0)
  requireZero(bytes, 20, HEADER_BYTES, 'reserved bytes of the header')

  const request = REQUEST_DATA_OFFSET
  require('version of the request data', request + 4, REQUEST_DATA_VERSION)
  const type = REPORT_TYPES[at(request + 8)]
  if (type === undefined) throw malformed('report_type', '2 (SNP) or 4 (TDX)', at(request + 8))
  const hash = HASHES[at(request + 12)]
  if (hash === undefined) throw malformed('report_data_hash_type', '1, 2 or 3', at(request + 12))
  const size = at(request + 16)
  if (size === 0 || size > bytes.length - RUNTIME_DATA_OFFSET)
    throw malformed('variable_data_size', `1 to ${bytes.length - RUNTIME_DATA_OFFSET}`, size)
  require('data_size', request, REQUEST_DATA_BYTES + size)
  require('report_size', 8, RUNTIME_DATA_OFFSET + size)
  requireZero(bytes, RUNTIME_DATA_OFFSET + size, bytes.length, 'bytes after the runtime data')

  const reportBytes = type === 'SNP' ? HARDWARE_REPORT_BYTES : TD_REPORT_BYTES
  requireZero(bytes, HEADER_BYTES + reportBytes, request, 'bytes after the TDREPORT')
  const hardwareReport = bytes.subarray(HEADER_BYTES, HEADER_BYTES + reportBytes)
  const reportDataOffset = type === 'SNP' ? 0x50 : 128
  return {
    type,
    hardwareReport,
    reportData: hardwareReport.subarray(reportDataOffset, reportDataOffset + 64),
    hash,
    runtimeData: bytes.subarray(RUNTIME_DATA_OFFSET, RUNTIME_DATA_OFFSET + size),
  }
}

function requireZero(bytes: Uint8Array, start: number, end: number, what: string): void {
  if (end > start && !equalBytes(bytes.subarray(start, end), new Uint8Array(end - start)))
    throw verifierError('EVIDENCE_MALFORMED', `HCL report: ${what} are not zero`, { expected: 'zero' })
}

function malformed(what: string, expected: string, found: number): Error {
  const text = found > 0xffff ? `0x${found.toString(16)}` : `${found}`
  return verifierError('EVIDENCE_MALFORMED', `HCL report field ${what} is malformed`, {
    expected,
    found: text,
  })
}
