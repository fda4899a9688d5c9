import { concat } from '../bytes/index.ts'
import { encodeVarint } from '../varint/index.ts'
import { toByteString } from './byte-string.ts'
import { checkField, checkFinalStatus, checkInformationalStatus, checkRequestControl } from './rules.ts'
import type { BhttpField, BhttpRequestHead, BhttpResponseHead } from './types.ts'

/** Framing indicators (RFC 9292 Section 3.3). */
const KNOWN_REQUEST = 0
const KNOWN_RESPONSE = 1
const INDETERMINATE_REQUEST = 2
const INDETERMINATE_RESPONSE = 3

const NOTHING = new Uint8Array(0)

/** Parts of a message besides its head; all may be left out. */
export interface BhttpBody {
  /** Content as a list of buffers, which are referenced and not copied. */
  readonly content?: readonly Uint8Array[]
  readonly trailers?: readonly BhttpField[]
  /** Informational responses before the final one. Responses only. */
  readonly informational?: readonly BhttpResponseHead[]
}

/**
 * A whole known-length request as a list of buffers.
 * @throws `BHTTP_MALFORMED` for a head or field that HTTP does not allow.
 */
export function encodeRequest(head: BhttpRequestHead, body: BhttpBody = {}): Uint8Array[] {
  return encodeKnownLength(concat(encodeVarint(KNOWN_REQUEST), requestControl(head)), head.fields, body)
}

/**
 * A whole known-length response as a list of buffers.
 * @throws `BHTTP_MALFORMED` for a head or field that HTTP does not allow.
 */
export function encodeResponse(head: BhttpResponseHead, body: BhttpBody = {}): Uint8Array[] {
  checkFinalStatus(head.status)
  const informational = (body.informational ?? []).map((one) =>
    concat(informationalStatus(one), knownLengthSection(one.fields)),
  )
  const start = concat(encodeVarint(KNOWN_RESPONSE), ...informational, encodeVarint(head.status))
  return encodeKnownLength(start, head.fields, body)
}

/** Start of an indeterminate-length request. {@link encodeContentChunk} and {@link encodeEnd} follow. */
export function encodeRequestStart(head: BhttpRequestHead): Uint8Array {
  return concat(encodeVarint(INDETERMINATE_REQUEST), requestControl(head), indeterminateSection(head.fields))
}

/** Start of an indeterminate-length response. {@link encodeContentChunk} and {@link encodeEnd} follow. */
export function encodeResponseStart(
  head: BhttpResponseHead,
  informational: readonly BhttpResponseHead[] = [],
): Uint8Array {
  checkFinalStatus(head.status)
  return concat(
    encodeVarint(INDETERMINATE_RESPONSE),
    ...informational.map((one) => concat(informationalStatus(one), indeterminateSection(one.fields))),
    encodeVarint(head.status),
    indeterminateSection(head.fields),
  )
}

/** One content chunk as its length and the same buffer; nothing for empty content, which would mean the end. */
export function encodeContentChunk(content: Uint8Array): Uint8Array[] {
  return content.length === 0 ? [] : [encodeVarint(content.length), content]
}

/** End of an indeterminate-length message: content terminator, trailers, padding of `paddingBytes` zeros. */
export function encodeEnd(trailers: readonly BhttpField[] = [], paddingBytes = 0): Uint8Array {
  return concat(encodeVarint(0), indeterminateSection(trailers), new Uint8Array(paddingBytes))
}

function encodeKnownLength(start: Uint8Array, fields: readonly BhttpField[], body: BhttpBody): Uint8Array[] {
  const content = body.content ?? []
  let length = 0
  for (const part of content) length += part.length
  return [
    concat(start, knownLengthSection(fields), encodeVarint(length)),
    ...content,
    knownLengthSection(body.trailers ?? []),
  ]
}

function requestControl(head: BhttpRequestHead): Uint8Array {
  checkRequestControl(head)
  return concat(
    ...lengthAndText(head.method),
    ...lengthAndText(head.scheme),
    ...lengthAndText(head.authority),
    ...lengthAndText(head.path),
  )
}

function informationalStatus(head: BhttpResponseHead): Uint8Array {
  checkInformationalStatus(head.status)
  return encodeVarint(head.status)
}

function knownLengthSection(fields: readonly BhttpField[]): Uint8Array {
  const lines = fieldLines(fields)
  return concat(encodeVarint(lines.length), lines)
}

function indeterminateSection(fields: readonly BhttpField[]): Uint8Array {
  return concat(fieldLines(fields), encodeVarint(0))
}

function fieldLines(fields: readonly BhttpField[]): Uint8Array {
  if (fields.length === 0) return NOTHING
  const parts: Uint8Array[] = []
  for (const field of fields) {
    checkField(field)
    parts.push(...lengthAndText(field[0]), ...lengthAndText(field[1]))
  }
  return concat(...parts)
}

function lengthAndText(text: string): [Uint8Array, Uint8Array] {
  const bytes = toByteString(text)
  return [encodeVarint(bytes.length), bytes]
}
