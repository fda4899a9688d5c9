import { fromBase64Url, toBase64Url } from '../bytes/index.ts'
import { MAX_SUCCESSIONS } from '../custody/types.ts'
import {
  encodeTrustBundle,
  MAX_BUNDLE_BYTES,
  provenStatementDecoder,
  trustBundleDecoder,
} from '../evidence/bundle.ts'
import {
  base64url,
  canonicalJson,
  hex,
  integer,
  jcsError,
  list,
  literal,
  members,
  object,
  parseCanonicalJson,
  text,
  type Decoder,
} from '../jcs/index.ts'
import { MAX_ENVELOPE_CHARACTERS, noteText } from '../keyrelease/decode.ts'
import type { InferenceReceipt, ReceiptCertificate, ReceiptTrailer, SavedReceipt } from './types.ts'

const digest = hex(32)
const envelope = text(MAX_ENVELOPE_CHARACTERS)
const salt = base64url(32)

export const inferenceReceiptDecoder: Decoder<InferenceReceipt> = object({
  version: literal(1),
  genesis: digest,
  request: digest,
  response: digest,
  model: digest,
  keyId: integer(0, 255),
  policy: digest,
  evidence: digest,
  after: object({ size: integer(0), root: digest }),
})

const trailerDecoder: Decoder<ReceiptTrailer> = object({ envelope, salt })

export const receiptCertificateDecoder: Decoder<ReceiptCertificate> = members<ReceiptCertificate>(
  {
    release: provenStatementDecoder,
    certificate: provenStatementDecoder,
    genesis: provenStatementDecoder,
    checkpoint: noteText,
  },
  { roots: list(provenStatementDecoder, 1, MAX_SUCCESSIONS) },
)

const savedReceiptDecoder: Decoder<SavedReceipt> = members<SavedReceipt>(
  { version: literal(1), envelope, salt, certificate: receiptCertificateDecoder },
  { trust: trustBundleDecoder },
)

/** A trailer holds one envelope and a salt; it is measured before it is decoded. */
const MAX_TRAILER_BYTES = 65_536
const MAX_TRAILER_CHARACTERS = Math.ceil((MAX_TRAILER_BYTES * 4) / 3)

/** Of what is no bundle: five signed documents with proofs, and room. */
const MAX_BARE_RECEIPT_BYTES = 524_288
/** Longest saved receipt: without `trust` it has 512 KiB at most, and `trust` as much as a bundle may. */
export const MAX_SAVED_RECEIPT_BYTES: number = MAX_BARE_RECEIPT_BYTES + MAX_BUNDLE_BYTES

/** Name of the trailer field that carries a receipt. */
export const RECEIPT_TRAILER = 'sotto-receipt'

/** Value of the trailer field: base64url of canonical JSON. */
export function encodeReceiptTrailer(trailer: ReceiptTrailer): string {
  return toBase64Url(canonicalJson(trailer))
}

/** Structure of the trailer an enclave sent. @throws `BYTES_ENCODING`, `JCS_MALFORMED`, `JCS_FIELD` */
export function parseReceiptTrailer(value: string): ReceiptTrailer {
  if (value.length > MAX_TRAILER_CHARACTERS)
    throw jcsError(
      'JCS_MALFORMED',
      'receipt trailer is too long',
      `at most ${MAX_TRAILER_CHARACTERS} characters`,
    )
  return trailerDecoder(parseCanonicalJson(fromBase64Url(value), { maxBytes: MAX_TRAILER_BYTES }), 'receipt')
}

/** Structure of a certificate an enclave answered. @throws `JCS_MALFORMED`, `JCS_FIELD` */
export function parseReceiptCertificate(bytes: Uint8Array): ReceiptCertificate {
  return receiptCertificateDecoder(parseCanonicalJson(bytes, { maxBytes: 262_144 }), 'certificate')
}

/**
 * Structure of a receipt somebody saved, or shows you, {@link MAX_SAVED_RECEIPT_BYTES} at most.
 * @throws `JCS_MALFORMED`, `JCS_FIELD`
 */
export function parseSavedReceipt(bytes: Uint8Array): SavedReceipt {
  const saved = savedReceiptDecoder(
    parseCanonicalJson(bytes, { maxBytes: MAX_SAVED_RECEIPT_BYTES }),
    'receipt',
  )
  if (bytes.length > MAX_BARE_RECEIPT_BYTES) requirePartSizes(saved, bytes.length)
  return saved
}

/** Neither part takes the room of the other. */
function requirePartSizes({ trust }: SavedReceipt, length: number): void {
  const trustBytes = trust === undefined ? 0 : encodeTrustBundle(trust).length
  if (trustBytes <= MAX_BUNDLE_BYTES && length - trustBytes <= MAX_BARE_RECEIPT_BYTES) return
  throw jcsError(
    'JCS_MALFORMED',
    'saved receipt is too long',
    `at most ${MAX_BARE_RECEIPT_BYTES} bytes, and ${MAX_BUNDLE_BYTES} of trust`,
    `${length - trustBytes} and ${trustBytes}`,
  )
}
