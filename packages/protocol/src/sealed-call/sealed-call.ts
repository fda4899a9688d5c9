import { concat, fromBase64Url } from '../bytes/index.ts'
import { HPKE_AEAD, HPKE_KDF, HPKE_KEM, type KemPrivateKey } from '../hpke/index.ts'
import { OhttpClientKey, OhttpGatewayKey, OhttpRequestOpener } from '../ohttp/index.ts'

/** Media type of both directions: what is inside is a document of the service's, not a message of HTTP. */
export const SEALED_CALL_TYPE = 'application/vnd.sotto.sealed-call'

/** Sealing adds less to a call or its answer: keys, tags and what frames them (RFC 9458). */
export const SEALED_CALL_OVERHEAD_BYTES = 65_536

const KEY_ID = 0
const ALGORITHM = { kdfId: HPKE_KDF.HKDF_SHA256, aeadId: HPKE_AEAD.AES_256_GCM }

/** A call on its way: its bytes, and what opens the one answer to it. */
export interface SealedCall {
  bytes: Uint8Array
  /** @throws the codes of `OhttpErrorCode`, for anything but the answer to this call */
  open(answer: Uint8Array): Uint8Array
}

/**
 * Seals a call to a service by its X-Wing key, as its evidence binds it, in the encapsulation of RFC 9458 (one message):
 * nobody between the two reads call or answer. A call can be sent again by anybody who saw it, so what it asks for must
 * be harmless to repeat.
 *
 * @param key base64url
 * @throws `CRYPTO_BAD_KEY`
 */
export function sealCall(key: string, call: Uint8Array): SealedCall {
  const config = {
    keyId: KEY_ID,
    kemId: HPKE_KEM.X_WING,
    publicKey: fromBase64Url(key),
    algorithms: [ALGORITHM],
  }
  const request = new OhttpClientKey(config, ALGORITHM).request({ isChunked: false })
  return {
    bytes: concat(...request.end(call)),
    open(answer) {
      const opener = request.openResponse()
      return concat(...opener.push(answer), ...opener.finish())
    },
  }
}

/** A call that arrived. */
export interface OpenedCall {
  call: Uint8Array
  /** Seals the one answer. */
  answer(bytes: Uint8Array): Uint8Array
}

/** Opens calls to one key. @returns what opens the bytes of one: it throws the codes of `OhttpErrorCode` */
export function openCalls(key: KemPrivateKey): (bytes: Uint8Array) => OpenedCall {
  const own = new OhttpGatewayKey(KEY_ID, key, [ALGORITHM])
  return (bytes) => {
    const opener = new OhttpRequestOpener({
      isChunked: false,
      findKey: (keyId) => (keyId === KEY_ID ? own : undefined),
    })
    const call = concat(...opener.push(bytes), ...opener.finish())
    return { call, answer: (answer) => concat(...opener.respond().end(answer)) }
  }
}
