import { encodeContentChunk, encodeEnd, encodeRequestStart } from '@sotto/protocol/bhttp'
import type { InnerRequest } from './inner-request.ts'
import { padding } from './padding.ts'

/**
 * A request as padded binary HTTP (RFC 9292, indeterminate length). Only the padded length, never the
 * length of the body, shows outside.
 *
 * @param dateMs milliseconds since the Unix epoch, for the `date` field (RFC 9458 Section 6.5.1)
 */
export async function* encodePlaintext(
  request: InnerRequest,
  body: AsyncIterable<Uint8Array>,
  dateMs: number,
): AsyncGenerator<Uint8Array> {
  let length = 0
  const counted = (bytes: Uint8Array): Uint8Array => {
    length += bytes.length
    return bytes
  }
  const fields = [...request.headers, ['date', new Date(dateMs).toUTCString()] as const]
  const { method, authority, path } = request
  yield counted(encodeRequestStart({ method, scheme: 'https', authority, path, fields }))
  for await (const part of body) for (const bytes of encodeContentChunk(part)) yield counted(bytes)
  yield counted(encodeEnd())
  yield* padding(length)
}

/** One sealed chunk's worth of plaintext, valid until the next one is asked for. */
export interface PlaintextChunk {
  bytes: Uint8Array
  final: boolean
}

/**
 * Cuts a byte stream into chunks of exactly `size` bytes, the last one shorter: how the caller wrote
 * its body must not show as chunk sizes on the wire.
 */
export async function* rechunk(
  source: AsyncIterable<Uint8Array>,
  size: number,
): AsyncGenerator<PlaintextChunk> {
  const chunk = new Uint8Array(size)
  let filled = 0
  for await (const part of source) {
    for (let offset = 0; offset < part.length;) {
      // A full chunk is held until more data shows that it is not the final one.
      if (filled === size) {
        yield { bytes: chunk, final: false }
        filled = 0
      }
      const piece = part.subarray(offset, offset + size - filled)
      chunk.set(piece, filled)
      filled += piece.length
      offset += piece.length
    }
  }
  yield { bytes: chunk.subarray(0, filled), final: true }
}
