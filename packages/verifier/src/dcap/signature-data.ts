import { malformedQuote } from './header.ts'
import { parseReportBody, REPORT_BODY_BYTES, type ReportBody } from './report-body.ts'

const [SIGNATURE_BYTES, KEY_BYTES] = [64, 64]
/** Certification Data Type: the report of the quoting enclave with its own certification data, from version 4. */
const QE_REPORT_CERTIFICATION = 6
/** Certification Data Type: the PCK certificate chain, PEM, leaf first. */
export const PCK_CHAIN = 5
/** Types 1 to 3 name a PCK certificate by its (encrypted) PPID: the chain comes as collateral. */
const FIRST_PPID_TYPE = 1
const LAST_PPID_TYPE = 3

/** ECDSA signature data of a quote. */
export interface SignatureData {
  /** r then s, of {@link attestationKey} over header and body. */
  quoteSignature: Uint8Array
  /** x then y on P-256. */
  attestationKey: Uint8Array
  qeReport: ReportBody
  /** The bytes of {@link qeReport}. */
  qeReportBytes: Uint8Array
  /** r then s, of the PCK over {@link qeReportBytes}. */
  qeReportSignature: Uint8Array
  qeAuthData: Uint8Array
  certificationType: number
  certificationData: Uint8Array
}

/**
 * Quote Signature Data: two signatures, two keys and what certifies the second, to the last byte.
 *
 * @param isFlat version 3, in which the report of the quoting enclave follows without a frame of its own
 * @throws `EVIDENCE_MALFORMED`
 */
export function parseSignatureData(bytes: Uint8Array, isFlat: boolean): SignatureData {
  const fields = new Fields(bytes)
  const quoteSignature = fields.take(SIGNATURE_BYTES, 'Quote Signature')
  const attestationKey = fields.take(KEY_BYTES, 'ECDSA Attestation Key')
  let inner = fields
  if (!isFlat) {
    const type = fields.uint16('Certification Data Type')
    if (type !== QE_REPORT_CERTIFICATION)
      throw malformedQuote('Certification Data Type', `${QE_REPORT_CERTIFICATION}`, `${type}`)
    inner = new Fields(fields.take(fields.uint32('Certification Data Size'), 'QE Report Certification Data'))
    fields.end()
  }
  const qeReportBytes = inner.take(REPORT_BODY_BYTES, 'QE Report')
  const qeReportSignature = inner.take(SIGNATURE_BYTES, 'QE Report Signature')
  const qeAuthData = inner.take(inner.uint16('QE Authentication Data Size'), 'QE Authentication Data')
  const certificationType = inner.uint16('Certification Data Type')
  const isPpid = certificationType >= FIRST_PPID_TYPE && certificationType <= LAST_PPID_TYPE
  if (certificationType !== PCK_CHAIN && !isPpid)
    throw malformedQuote('Certification Data Type', `1, 2, 3 or ${PCK_CHAIN}`, `${certificationType}`)
  const certificationData = inner.take(inner.uint32('Certification Data Size'), 'Certification Data')
  inner.end()
  return {
    quoteSignature,
    attestationKey,
    qeReport: parseReportBody(qeReportBytes),
    qeReportBytes,
    qeReportSignature,
    qeAuthData,
    certificationType,
    certificationData,
  }
}

/** Little-endian fields one after the other, never past the end. */
class Fields {
  private readonly bytes: Uint8Array
  private offset = 0

  constructor(bytes: Uint8Array) {
    this.bytes = bytes
  }

  take(length: number, name: string): Uint8Array {
    const left = this.bytes.length - this.offset
    if (length > left) throw malformedQuote(name, `${length} bytes`, `${left}`)
    this.offset += length
    return this.bytes.subarray(this.offset - length, this.offset)
  }

  uint16(name: string): number {
    const [low, high] = this.take(2, name)
    return low! | (high! << 8)
  }

  uint32(name: string): number {
    return this.uint16(name) + this.uint16(name) * 65_536
  }

  end(): void {
    if (this.offset !== this.bytes.length)
      throw malformedQuote('Quote Signature Data', 'the end', `${this.bytes.length - this.offset} more bytes`)
  }
}
