import {
  ECDSA_P256,
  HEADER_BYTES,
  malformedQuote,
  parseQuoteHeader,
  TEE,
  type QuoteHeader,
} from './header.ts'
import { parseSignatureData, type SignatureData } from './signature-data.ts'

/** What stands between the header and the signature. */
export type BodyKind = 'SGX' | 'TD10' | 'TD15'

/** Length of each kind of body. */
export const BODY_BYTES = { SGX: 384, TD10: 584, TD15: 648 } as const satisfies Record<BodyKind, number>

/** TD Quote Body Descriptor of version 5: kinds by their type number. */
const BODY_TYPES: Readonly<Record<number, BodyKind>> = { 1: 'SGX', 2: 'TD10', 3: 'TD15' }
const DESCRIPTOR_BYTES = 6
/** Offset of REPORTDATA in each kind of body. */
const REPORT_DATA = { SGX: 320, TD10: 520, TD15: 520 } as const satisfies Record<BodyKind, number>
export const REPORT_DATA_BYTES = 64

/** A quote, split. Structure only: nothing in it is authentic yet. */
export interface Quote {
  header: QuoteHeader
  bodyKind: BodyKind
  /** Number of version 5; earlier versions have none. */
  bodyType: number | null
  body: Uint8Array
  /** 64 bytes that the SGX enclave or the TD chose, part of the body. */
  reportData: Uint8Array
  /** The bytes that the quote signature covers. */
  signed: Uint8Array
  signatureData: SignatureData
  /** What follows the signature data, which nothing signs: buffers of 5006 and 8000 bytes come back padded. */
  trailing: Uint8Array
}

/**
 * Structure of a quote, versions 3 to 5. Bytes after it are kept apart, as `trailing`.
 *
 * @throws `EVIDENCE_MALFORMED` (fix-input)
 */
export function parseQuote(bytes: Uint8Array): Quote {
  const header = parseQuoteHeader(bytes)
  if (header.attestationKeyType !== ECDSA_P256)
    throw malformedQuote('Attestation Key Type', `${ECDSA_P256}`, `${header.attestationKeyType}`)
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  const { bodyKind, bodyType, start } = findBody(header, view)
  const signedEnd = start + BODY_BYTES[bodyKind]
  const dataStart = signedEnd + 4
  if (dataStart > bytes.length) throw malformedQuote('body', `${dataStart} bytes`, `${bytes.length}`)
  const dataLength = view.getUint32(signedEnd, true)
  if (dataLength > bytes.length - dataStart)
    throw malformedQuote('Quote Signature Data Len', `at most ${bytes.length - dataStart}`, `${dataLength}`)
  const body = bytes.subarray(start, signedEnd)
  return {
    header,
    bodyKind,
    bodyType,
    body,
    reportData: body.subarray(REPORT_DATA[bodyKind], REPORT_DATA[bodyKind] + REPORT_DATA_BYTES),
    signed: bytes.subarray(0, signedEnd),
    signatureData: parseSignatureData(
      bytes.subarray(dataStart, dataStart + dataLength),
      header.version === 3,
    ),
    trailing: bytes.subarray(dataStart + dataLength),
  }
}

/** Where the body stands and of which kind it is: a descriptor says so from version 5, the TEE Type before. */
function findBody(
  { version, teeType }: QuoteHeader,
  view: DataView,
): { bodyKind: BodyKind; bodyType: number | null; start: number } {
  if (version < 5)
    return { bodyKind: teeType === TEE.TDX ? 'TD10' : 'SGX', bodyType: null, start: HEADER_BYTES }
  const start = HEADER_BYTES + DESCRIPTOR_BYTES
  if (view.byteLength < start) throw malformedQuote('body descriptor', `${start} bytes`, `${view.byteLength}`)
  const bodyType = view.getUint16(HEADER_BYTES, true)
  const bodyKind = BODY_TYPES[bodyType]
  if (bodyKind === undefined || (bodyKind === 'SGX') !== (teeType === TEE.SGX))
    throw malformedQuote('body type', teeType === TEE.SGX ? '1' : '2 or 3', `${bodyType}`)
  const size = view.getUint32(HEADER_BYTES + 2, true)
  if (size !== BODY_BYTES[bodyKind]) throw malformedQuote('body size', `${BODY_BYTES[bodyKind]}`, `${size}`)
  return { bodyKind, bodyType, start }
}
