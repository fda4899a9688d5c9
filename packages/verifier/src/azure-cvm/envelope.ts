import { fromBase64Url, fromHex, fromUtf8, utf8 } from '@sotto/protocol/bytes'
import { type Decoder, list, object, parseStrictJson, text } from '@sotto/protocol/jcs'
import { verifierError } from '../errors.ts'
import { MAX_HCL_REPORT_BYTES } from './hcl.ts'

/** Longest document: the oldest form writes every byte as a number on a line of its own. */
const MAX_DOCUMENT_BYTES = 524_288
const MAX_PCRS = 32
const MAX_PCR_BYTES = 64
/** TPMS_ATTEST has at most 400 bytes, an RSA signature 512. */
const MAX_QUOTE_PART_BYTES = 1024
const MAX_CERTIFICATE_BYTES = 16_384
const MAX_TD_QUOTE_BYTES = 65_536

/** What was collected inside a virtual machine: all of it chosen by whoever sent it. */
export interface AzureEvidence {
  /** Of the document; `report` for an HCL report alone. */
  version: 'report' | 0 | 1 | 2
  /** See `parseHclReport`. */
  hclReport: Uint8Array
  tpmQuote: TpmQuote | undefined
  /** Certificate of the chip, DER or PEM: SEV-SNP only. */
  vcek: Uint8Array | undefined
  /** TDX only. */
  tdQuote: Uint8Array | undefined
}

/** A quote of the virtual TPM with the registers it is about. */
export interface TpmQuote {
  /** TPMS_ATTEST. */
  message: Uint8Array
  /** RSASSA of {@link message}, without TPMT_SIGNATURE around it. */
  signature: Uint8Array
  /** Values of the selected registers, in order. */
  pcrs: Uint8Array[]
}

/**
 * Reads evidence in the forms that exist: an HCL report alone (NV index 0x01400001), and the documents of
 * confidential-containers/trustee (az-snp-vtpm, az-tdx-vtpm). Version 0 has no number and writes bytes as
 * lists, versions 1 and 2 hexadecimal and base64url. Members that a version does not have are refused;
 * the certificate of the chip may come beside the document instead.
 *
 * @throws `EVIDENCE_MALFORMED`, or an error of the JSON reader
 */
export function parseAzureEvidence(bytes: Uint8Array): AzureEvidence {
  if (bytes[0] === FIRST_OF_HCLA) return { version: 'report', hclReport: bytes, ...NOTHING }
  const document = parseStrictJson(fromUtf8(bytes), { maxBytes: MAX_DOCUMENT_BYTES })
  const has = (name: string): boolean =>
    typeof document === 'object' && document !== null && Object.hasOwn(document, name)
  if (has('quote')) {
    const { quote, report, vcek } = oldSnp(document, PATH)
    return { ...NOTHING, version: 0, hclReport: report, tpmQuote: quote, vcek }
  }
  if (!has('version')) {
    const { tpm_quote: tpmQuote, hcl_report: hclReport, td_quote: tdQuote } = oldTdx(document, PATH)
    return { ...NOTHING, version: 0, hclReport, tpmQuote, tdQuote }
  }
  if (has('td_quote')) {
    const { version, tpm_quote: tpmQuote, hcl_report: hclReport, td_quote: tdQuote } = tdx(document, PATH)
    return { ...NOTHING, version, hclReport, tpmQuote, tdQuote }
  }
  const { version, tpm_quote: tpmQuote, hcl_report: hclReport, vcek } = snp(has('vcek'))(document, PATH)
  return { ...NOTHING, version, hclReport, tpmQuote, vcek }
}

const PATH = 'evidence'
const FIRST_OF_HCLA = 0x48
const NOTHING = { tpmQuote: undefined, vcek: undefined, tdQuote: undefined }

const quote: Decoder<TpmQuote> = object({
  message: hexBytes(MAX_QUOTE_PART_BYTES),
  signature: hexBytes(MAX_QUOTE_PART_BYTES),
  pcrs: list(hexBytes(MAX_PCR_BYTES), 0, MAX_PCRS),
})
const common = { version: knownVersion, tpm_quote: quote, hcl_report: base64(MAX_HCL_REPORT_BYTES) }
const tdx = object({ ...common, td_quote: base64(MAX_TD_QUOTE_BYTES) })

interface Snp {
  version: 1 | 2
  tpm_quote: TpmQuote
  hcl_report: Uint8Array
  vcek?: Uint8Array
}

function snp(hasCertificate: boolean): Decoder<Snp> {
  return hasCertificate ? object({ ...common, vcek: base64(MAX_CERTIFICATE_BYTES) }) : object(common)
}

const oldQuote: Decoder<TpmQuote> = object({
  message: numbers(MAX_QUOTE_PART_BYTES),
  signature: numbers(MAX_QUOTE_PART_BYTES),
  pcrs: list(numbers(MAX_PCR_BYTES), 0, MAX_PCRS),
})
const oldSnp = object({ quote: oldQuote, report: numbers(MAX_HCL_REPORT_BYTES), vcek: pem })
const oldTdx = object({
  tpm_quote: oldQuote,
  hcl_report: numbers(MAX_HCL_REPORT_BYTES),
  td_quote: numbers(MAX_TD_QUOTE_BYTES),
})

function knownVersion(value: unknown, path: string): 1 | 2 {
  if (value === 1 || value === 2) return value
  const found = typeof value === 'number' ? `${value}` : typeof value
  throw verifierError('EVIDENCE_MALFORMED', `${path} is not known`, { expected: '1 or 2', found })
}

function pem(value: unknown, path: string): Uint8Array {
  return utf8(text(MAX_CERTIFICATE_BYTES)(value, path))
}

function hexBytes(max: number): Decoder<Uint8Array> {
  const decode = text(2 * max)
  return (value, path) => fromHex(decode(value, path))
}

/** base64url; writers differ in whether they pad it. */
function base64(max: number): Decoder<Uint8Array> {
  const decode = text(Math.ceil(max / 3) * 4)
  return (value, path) => {
    const encoded = decode(value, path)
    return fromBase64Url(encoded.length % 4 === 0 ? encoded.replace(/={1,2}$/, '') : encoded)
  }
}

/** A list of bytes as numbers. By hand: a path for each of thousands of items would take most of the time. */
function numbers(max: number): Decoder<Uint8Array> {
  return (value, path) => {
    const isBytes =
      Array.isArray(value) &&
      value.length <= max &&
      value.every((byte) => Number.isInteger(byte) && byte >= 0 && byte <= 255)
    if (!isBytes)
      throw verifierError('EVIDENCE_MALFORMED', `${path} is malformed`, {
        expected: `a list of at most ${max} bytes`,
      })
    return Uint8Array.from(value as number[])
  }
}
