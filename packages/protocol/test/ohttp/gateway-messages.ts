import { expect } from 'vitest'
import { concat, utf8 } from '@sotto/protocol/bytes'
import { makePair, REQUEST_PREFIX_LENGTH } from './exchange.ts'

export const code = (name: string): unknown => expect.objectContaining({ code: name })
export const { gatewayKey, clientKey, receive } = makePair()
export const body = utf8('plaintext')

/** A chunked request of three chunks and an empty final one, as the parts of the wire. */
export function chunkedRequest(): { prefix: Uint8Array; chunks: Uint8Array[]; final: Uint8Array } {
  const sealer = clientKey.request()
  const chunks = [1, 2, 3].map((n) => concat(...sealer.seal(new Uint8Array(4).fill(n))))
  const prefix = chunks[0]!.subarray(0, REQUEST_PREFIX_LENGTH)
  return {
    prefix,
    chunks: [chunks[0]!.subarray(REQUEST_PREFIX_LENGTH), ...chunks.slice(1)],
    final: concat(...sealer.end()),
  }
}
