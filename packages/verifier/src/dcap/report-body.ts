import { isZero, malformedQuote } from './header.ts'

/** REPORTBODY of SGX (Intel SDM volume 3D, table "Layout of REPORT"), of an application or of the quoting enclave. */
export const REPORT_BODY_BYTES = 384

/** Fields of an SGX report, with the names of the SDM. */
export interface ReportBody {
  CPUSVN: Uint8Array
  MISCSELECT: Uint8Array
  ISVEXTPRODID: Uint8Array
  /** Flags (8 bytes) and XFRM (8 bytes), little-endian. */
  ATTRIBUTES: Uint8Array
  MRENCLAVE: Uint8Array
  MRSIGNER: Uint8Array
  CONFIGID: Uint8Array
  ISVPRODID: number
  ISVSVN: number
  CONFIGSVN: number
  ISVFAMILYID: Uint8Array
  REPORTDATA: Uint8Array
}

/** Reserved by the SDM: zero in every report of a processor. */
const RESERVED: readonly [start: number, end: number][] = [
  [20, 32],
  [96, 128],
  [160, 192],
  [262, 304],
]

/**
 * @param bytes exactly {@link REPORT_BODY_BYTES}
 * @throws `EVIDENCE_MALFORMED`
 */
export function parseReportBody(bytes: Uint8Array): ReportBody {
  for (const [start, end] of RESERVED) {
    if (!isZero(bytes.subarray(start, end)))
      throw malformedQuote(`report, reserved bytes at ${start}`, 'zero', 'something else')
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  return {
    CPUSVN: bytes.subarray(0, 16),
    MISCSELECT: bytes.subarray(16, 20),
    ISVEXTPRODID: bytes.subarray(32, 48),
    ATTRIBUTES: bytes.subarray(48, 64),
    MRENCLAVE: bytes.subarray(64, 96),
    MRSIGNER: bytes.subarray(128, 160),
    CONFIGID: bytes.subarray(192, 256),
    ISVPRODID: view.getUint16(256, true),
    ISVSVN: view.getUint16(258, true),
    CONFIGSVN: view.getUint16(260, true),
    ISVFAMILYID: bytes.subarray(304, 320),
    REPORTDATA: bytes.subarray(320, 384),
  }
}
