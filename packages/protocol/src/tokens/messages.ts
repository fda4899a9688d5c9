import { ByteReader, concat, equalBytes, uint } from '../bytes/index.ts'
import { encodeVarint } from '../varint/index.ts'
import { TOKEN_TYPE } from './challenge.ts'
import { tokenError } from './errors.ts'
import { MODULUS_LENGTH } from './token-key.ts'

/** Media types of RFC 9578 Sections 4 and 8.3, and of draft-ietf-privacypass-batched-tokens-06 Section 6. */
export const TOKEN_MEDIA_TYPE = {
  directory: 'application/private-token-issuer-directory',
  request: 'application/private-token-request',
  response: 'application/private-token-response',
  batchRequest: 'application/private-token-generic-batch-request',
  batchResponse: 'application/private-token-generic-batch-response',
} as const

/** Most tokens in one request: 16 KiB up and down, and 16 ms of the issuer's processor. */
export const MAX_BATCH = 64

const REQUEST_LENGTH = 3 + MODULUS_LENGTH
/** `present` (1), token type, signature. */
const ANSWER_LENGTH = 3 + MODULUS_LENGTH

/** Largest body of a request or response, in bytes. */
export const MAX_TOKEN_MESSAGE_BYTES: number = 4 + MAX_BATCH * REQUEST_LENGTH

/** One TokenRequest (RFC 9578 Section 6.1). */
export interface TokenRequest {
  /** Last byte of the key's id. An issuer gives no two live keys the same. */
  readonly truncatedKeyId: number
  readonly blindedMessage: Uint8Array
}

/** Bytes of one request. */
export function encodeTokenRequest({ truncatedKeyId, blindedMessage }: TokenRequest): Uint8Array {
  return concat(uint(TOKEN_TYPE, 2), uint(truncatedKeyId, 1), blindedMessage)
}

/** One request from anybody. @throws `TOKEN_MALFORMED` */
export function parseTokenRequest(bytes: Uint8Array): TokenRequest {
  const reader = new ByteReader(bytes)
  if (bytes.length !== REQUEST_LENGTH || reader.uint(2) !== TOKEN_TYPE)
    throw tokenError('TOKEN_MALFORMED', 'this is no request of token type 2')
  return { truncatedKeyId: reader.uint(1), blindedMessage: reader.take(MODULUS_LENGTH).slice() }
}

/** The blind signature of a response to one request (RFC 9578 Section 6.2). @throws `TOKEN_MALFORMED` */
export function parseTokenResponse(bytes: Uint8Array): Uint8Array {
  if (bytes.length !== MODULUS_LENGTH)
    throw tokenError('TOKEN_MALFORMED', 'this is no response of token type 2')
  return bytes.slice()
}

/** Bytes of a batch of 1 to {@link MAX_BATCH} requests. */
export function encodeBatchRequest(requests: readonly TokenRequest[]): Uint8Array {
  return lengthPrefixed(requests.map(encodeTokenRequest))
}

/** A batch from anybody. @throws `TOKEN_MALFORMED` */
export function parseBatchRequest(bytes: Uint8Array): TokenRequest[] {
  return items(bytes, REQUEST_LENGTH).map(parseTokenRequest)
}

/** Bytes of the answer to a batch, one blind signature for each request, in order. */
export function encodeBatchResponse(blindSignatures: readonly Uint8Array[]): Uint8Array {
  return lengthPrefixed(
    blindSignatures.map((signature) => concat(Uint8Array.of(1), uint(TOKEN_TYPE, 2), signature)),
  )
}

/**
 * The blind signatures of the answer to a batch of `count`. One that is left out makes the whole answer
 * malformed: our issuers answer all or nothing. @throws `TOKEN_MALFORMED`
 */
export function parseBatchResponse(bytes: Uint8Array, count: number): Uint8Array[] {
  const answers = items(bytes, ANSWER_LENGTH)
  if (
    answers.length !== count ||
    answers.some((item) => item[0] !== 1 || item[1] !== 0 || item[2] !== TOKEN_TYPE)
  )
    throw tokenError('TOKEN_MALFORMED', 'the answer does not hold one token for each request')
  return answers.map((item) => item.slice(3))
}

function lengthPrefixed(parts: readonly Uint8Array[]): Uint8Array {
  if (parts.length < 1 || parts.length > MAX_BATCH) throw new RangeError(`a batch of ${parts.length}`)
  const content = concat(...parts)
  return concat(encodeVarint(content.length), content)
}

/** Items of one size behind their whole length, in its shortest spelling. */
function items(bytes: Uint8Array, size: number): Uint8Array[] {
  const start = 1 << ((bytes[0] ?? 0) >> 6)
  const count = (bytes.length - start) / size
  const isWhole = Number.isInteger(count) && count >= 1 && count <= MAX_BATCH
  if (!isWhole || !equalBytes(bytes.subarray(0, start), encodeVarint(count * size)))
    throw tokenError('TOKEN_MALFORMED', 'this is no batch of token type 2', {
      expected: `1 to ${MAX_BATCH} items of ${size} bytes`,
    })
  return Array.from({ length: count }, (_, i) => bytes.slice(start + i * size, start + (i + 1) * size))
}
