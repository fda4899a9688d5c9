import { concat, uint, utf8 } from '@sotto/protocol/bytes'
import { crypto } from '@sotto/protocol/crypto-backend'
import type { SottoError } from '@sotto/protocol/errors'
import {
  canonicalJson,
  type Decoder,
  integer,
  literal,
  object,
  parseCanonicalJson,
  text,
} from '@sotto/protocol/jcs'
import { MAX_SAVED_RECEIPT_BYTES, parseSavedReceipt, type SavedReceipt } from '@sotto/protocol/receipts'
import { clientError } from '../errors.ts'

/** A request, the answer to it and the receipt for both, as they went through the encryption. */
export interface SavedResult {
  readonly request: {
    readonly method: string
    /** Path with query. */
    readonly path: string
    readonly contentType: string
    readonly body: Uint8Array
  }
  readonly response: { readonly status: number; readonly contentType: string; readonly body: Uint8Array }
  readonly receipt: SavedReceipt
}

/**
 * A kept result is `"sotto-result-v1" LF`, the length of a header as 4 bytes, big-endian, the header, both bodies, and
 * the SHA-256 of all before it. The header is canonical JSON: what the digests of the receipt cover besides the bodies,
 * the lengths of the bodies, and the receipt.
 */
const MAGIC: Uint8Array = utf8('sotto-result-v1\n')
const LENGTH_BYTES = 4
const DIGEST_BYTES = 32
/** A receipt, with its trust bundle, and what a header has beside it. */
const MAX_HEADER_BYTES = MAX_SAVED_RECEIPT_BYTES + 65_536
/** A body at most. */
const MAX_BODY_BYTES = 1024 ** 3
/** Bytes of a kept result at most. */
export const MAX_RESULT_BYTES: number = 2 * MAX_BODY_BYTES + 2 * MAX_HEADER_BYTES

/** A message without a content type has an empty one. */
const contentType: Decoder<string> = (value, path) => (value === '' ? '' : text(1024)(value, path))

const savedReceipt: Decoder<SavedReceipt> = (value) => parseSavedReceipt(canonicalJson(value))

const headerDecoder = object({
  version: literal(1),
  request: object({
    method: text(16),
    path: text(4096),
    contentType,
    bytes: integer(0, MAX_BODY_BYTES),
  }),
  response: object({
    status: integer(100, 599),
    contentType,
    bytes: integer(0, MAX_BODY_BYTES),
  }),
  receipt: savedReceipt,
})

/** Whether bytes begin like a kept result; the first 16 are enough. */
export function isResult(bytes: Uint8Array): boolean {
  return bytes.length >= MAGIC.length && MAGIC.every((byte, at) => bytes[at] === byte)
}

/** A result as a file. It holds request and answer in clear. */
export function encodeResult({ request, response, receipt }: SavedResult): Uint8Array {
  const { body: asked, ...requestHead } = request
  const { body: answered, ...responseHead } = response
  const header = canonicalJson({
    version: 1,
    request: { ...requestHead, bytes: asked.length },
    response: { ...responseHead, bytes: answered.length },
    receipt,
  })
  const content = concat(MAGIC, uint(header.length, LENGTH_BYTES), header, asked, answered)
  return concat(content, crypto.sha256(content))
}

/**
 * Structure of a kept result; `verifyReceipt` of `@sotto/verifier` then says what it proves. Any change to the file is
 * noticed here, or there.
 *
 * @throws `RESULT_MALFORMED`
 */
export function parseResult(file: Uint8Array): SavedResult {
  const start = MAGIC.length + LENGTH_BYTES
  if (!isResult(file) || file.length < start + DIGEST_BYTES)
    throw malformed('it does not begin like one, or is cut')
  const end = file.length - DIGEST_BYTES
  const digest = crypto.sha256(file.subarray(0, end))
  if (!digest.every((byte, at) => file[end + at] === byte))
    throw malformed('it was changed or damaged since it was written')
  const length = new DataView(file.buffer, file.byteOffset).getUint32(MAGIC.length)
  if (length > MAX_HEADER_BYTES || length > end - start) throw malformed('its header is cut or too long')
  const header = decodeHeader(file.subarray(start, start + length))
  const { bytes: asked, ...request } = header.request
  const { bytes: answered, ...response } = header.response
  const bodies = start + length
  if (bodies + asked + answered !== end) throw malformed('its bodies are not as long as its header says')
  return {
    request: { ...request, body: file.subarray(bodies, bodies + asked) },
    response: { ...response, body: file.subarray(bodies + asked, end) },
    receipt: header.receipt,
  }
}

function decodeHeader(bytes: Uint8Array): ReturnType<typeof headerDecoder> {
  try {
    return headerDecoder(parseCanonicalJson(bytes, { maxBytes: MAX_HEADER_BYTES }), 'result')
  } catch (cause) {
    throw malformed((cause as Error).message, cause)
  }
}

function malformed(message: string, cause?: unknown): SottoError {
  return clientError(
    'RESULT_MALFORMED',
    `not a kept result: ${message}`,
    cause === undefined ? {} : { cause },
  )
}
