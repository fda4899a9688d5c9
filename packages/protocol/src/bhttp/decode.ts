import { type BhttpMessageParser, parseRequest, parseResponse } from './parser.ts'
import type { BhttpField, BhttpLimits, BhttpRequestHead, BhttpResponseHead } from './types.ts'

/** A whole message. `content` is a list of views of the input. */
export interface BhttpMessage<Head> {
  readonly head: Head
  readonly content: readonly Uint8Array[]
  readonly trailers: readonly BhttpField[]
  /** Informational responses that came before the final one. */
  readonly informational: readonly BhttpResponseHead[]
}

/** Decodes one whole request, given as a list of buffers. @throws `BHTTP_MALFORMED`, `BHTTP_TRUNCATED`, `BHTTP_TOO_LARGE` */
export function decodeRequest(
  bytes: readonly Uint8Array[],
  limits: Partial<BhttpLimits> = {},
): BhttpMessage<BhttpRequestHead> {
  return collect(parseRequest(limits), bytes)
}

/** Decodes one whole response, given as a list of buffers. @throws `BHTTP_MALFORMED`, `BHTTP_TRUNCATED`, `BHTTP_TOO_LARGE` */
export function decodeResponse(
  bytes: readonly Uint8Array[],
  limits: Partial<BhttpLimits> = {},
): BhttpMessage<BhttpResponseHead> {
  return collect(parseResponse(limits), bytes)
}

function collect<Head>(parser: BhttpMessageParser<Head>, bytes: readonly Uint8Array[]): BhttpMessage<Head> {
  const events = bytes.flatMap((part) => parser.push(part))
  events.push(...parser.finish())
  const content: Uint8Array[] = []
  const informational: BhttpResponseHead[] = []
  let head: Head | undefined
  let trailers: readonly BhttpField[] = []
  for (const event of events) {
    if (event.type === 'content') content.push(event.bytes)
    else if (event.type === 'informational') informational.push(event.head)
    else if (event.type === 'head') head = event.head
    else trailers = event.trailers
  }
  // `finish` returned, so there was a head.
  return { head: head as Head, content, trailers, informational }
}
