import { concat, utf8 } from '../bytes/index.ts'
import { type AeadKey, type AeadOpener, type AeadSealer, crypto } from '../crypto-backend/index.ts'
import { type HpkeOpener, type HpkeSealer, type HpkeSuite, NonceSequence } from '../hpke/index.ts'

const RESPONSE_LABEL = utf8('message/bhttp response')
const CHUNKED_RESPONSE_LABEL = utf8('message/bhttp chunked response')
const KEY_LABEL = utf8('key')
const NONCE_LABEL = utf8('nonce')

/** What the response is derived from: the request's HPKE context, on either side. */
export interface ResponseSource {
  readonly suite: HpkeSuite
  readonly context: HpkeSealer | HpkeOpener
  readonly enc: Uint8Array
  readonly isChunked: boolean
}

/** Length in bytes of the nonce a response begins with: max(Nn, Nk). */
export function responseNonceLength(suite: HpkeSuite): number {
  return Math.max(suite.aead.nonceLength, suite.aead.keyLength)
}

/** The keys of one response (RFC 9458 Section 4.4), used for its only message or for its chunks in order. */
export class ResponseCipher {
  readonly #key: AeadKey
  readonly #nonces: NonceSequence

  constructor({ suite, context, enc, isChunked }: ResponseSource, responseNonce: Uint8Array) {
    // Both are there: `hpkeSuite` refuses suites without them.
    const hash = suite.kdf.hash!
    const { keyLength, nonceLength } = suite.aead
    const label = isChunked ? CHUNKED_RESPONSE_LABEL : RESPONSE_LABEL
    const secret = context.export(label, responseNonceLength(suite))
    const prk = crypto.hkdfExtract(hash, concat(enc, responseNonce), secret)
    this.#key = crypto.aead(suite.aead.name!, crypto.hkdfExpand(hash, prk, KEY_LABEL, keyLength))
    this.#nonces = new NonceSequence(crypto.hkdfExpand(hash, prk, NONCE_LABEL, nonceLength))
  }

  sealParts(aad: Uint8Array, plaintext: Uint8Array): Uint8Array[] {
    return this.#key.sealParts(this.#nonces.next(), aad, plaintext)
  }

  sealer(aad: Uint8Array): AeadSealer {
    return this.#key.sealer(this.#nonces.next(), aad)
  }

  open(aad: Uint8Array, sealed: Uint8Array): Uint8Array {
    return this.#key.open(this.#nonces.next(), aad, sealed)
  }

  opener(aad: Uint8Array): AeadOpener {
    return this.#key.opener(this.#nonces.next(), aad)
  }
}
