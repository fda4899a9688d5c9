import { concat, uint, utf8 } from '../bytes/index.ts'

/** Length in bytes of the header before the encapsulated key. */
export const HEADER_LENGTH = 7

/** Header of an encapsulated request (RFC 9458 Section 4.1): which key, and which algorithms. */
export interface OhttpHeader {
  readonly keyId: number
  readonly kemId: number
  readonly kdfId: number
  readonly aeadId: number
}

/** Header of the first seven bytes; any value is a header. */
export function parseHeader(bytes: Uint8Array): OhttpHeader {
  const uint16 = (offset: number): number => bytes[offset]! * 256 + bytes[offset + 1]!
  return { keyId: bytes[0]!, kemId: uint16(1), kdfId: uint16(3), aeadId: uint16(5) }
}

/** Bytes of a header. */
export function encodeHeader(header: OhttpHeader): Uint8Array {
  return concat(uint(header.keyId, 1), uint(header.kemId, 2), uint(header.kdfId, 2), uint(header.aeadId, 2))
}

const REQUEST_LABEL = utf8('message/bhttp request')
const CHUNKED_REQUEST_LABEL = utf8('message/bhttp chunked request')

/** HPKE `info` of a request (RFC 9458 Section 4.3, chunked draft Section 6.1): binds the header and the framing. */
export function requestInfo(header: OhttpHeader, isChunked: boolean): Uint8Array {
  return concat(isChunked ? CHUNKED_REQUEST_LABEL : REQUEST_LABEL, new Uint8Array(1), encodeHeader(header))
}
