import { concat, fromHex } from '@sotto/protocol/bytes'
import { HPKE_AEAD, HPKE_KDF, HPKE_KEM, kemById } from '@sotto/protocol/hpke'
import {
  OhttpClientKey,
  OhttpGatewayKey,
  type OhttpReceiveOptions,
  OhttpRequestOpener,
  type OhttpSuite,
} from '@sotto/protocol/ohttp'

/** X25519 keeps the many tests of framing quick; the suites are tested on their own. */
export const SUITE: OhttpSuite = {
  kemId: HPKE_KEM.DHKEM_X25519,
  kdfId: HPKE_KDF.HKDF_SHA256,
  aeadId: HPKE_AEAD.AES_128_GCM,
}

/** A gateway with one key, and a client that knows it. */
export function makePair(suite: OhttpSuite = SUITE): {
  gatewayKey: OhttpGatewayKey
  clientKey: OhttpClientKey
  receive(options?: Partial<OhttpReceiveOptions>): OhttpRequestOpener
} {
  const gatewayKey = new OhttpGatewayKey(7, kemById(suite.kemId).generate(), [suite])
  return {
    gatewayKey,
    clientKey: new OhttpClientKey(gatewayKey.config, suite),
    receive: (options) =>
      new OhttpRequestOpener({
        isChunked: true,
        findKey: (id) => (id === 7 ? gatewayKey : undefined),
        ...options,
      }),
  }
}

/** Gives all pieces to an opener and ends the input. */
export function openAll(
  opener: { push(piece: Uint8Array): Uint8Array[]; finish(): Uint8Array[] },
  pieces: readonly Uint8Array[],
): Uint8Array {
  const out = pieces.flatMap((piece) => opener.push(piece))
  out.push(...opener.finish())
  return concat(...out)
}

/** Cuts bytes into pieces of the given sizes, in turn. */
export function cut(bytes: Uint8Array, sizes: readonly number[]): Uint8Array[] {
  const pieces: Uint8Array[] = []
  for (let offset = 0, i = 0; offset < bytes.length; i++) {
    const size = sizes[i % sizes.length]!
    pieces.push(bytes.slice(offset, offset + size))
    offset += size
  }
  return pieces
}

/** The framed chunks of a chunked request after its header and encapsulated key. */
export const REQUEST_PREFIX_LENGTH: number = 7 + 32

/** Length field of 2^62 - 1. */
export const HUGE_LENGTH: Uint8Array = fromHex('ffffffffffffffff')
