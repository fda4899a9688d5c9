import { concat } from '../bytes/index.ts'
import {
  type HpkeBaseSetup,
  type HpkeSealer,
  type HpkeSuite,
  type InsecureFixedRandomness,
  type KemPublicKey,
} from '../hpke/index.ts'
import { ohttpError } from './errors.ts'
import { encodeHeader, requestInfo } from './header.ts'
import type { OhttpAlgorithm, OhttpKeyConfig } from './key-config.ts'
import { MessageOpener, type OhttpLimits } from './message-opener.ts'
import { DEFAULT_MAX_CHUNK_BYTES, MessageSealer } from './message-sealer.ts'
import { ResponseCipher, responseNonceLength, type ResponseSource } from './response-cipher.ts'
import { hpkeSuite } from './suites.ts'

/** How a client sends one request. */
export interface OhttpSendOptions {
  /** True by default. The response comes in the same framing, and nothing else is accepted. */
  readonly isChunked?: boolean
  /** Plaintext bytes of a chunk. 16384 by default, which every gateway accepts. */
  readonly maxChunkBytes?: number
  /** Known-answer tests only. */
  readonly insecureFixedRandomness?: InsecureFixedRandomness
}

/** A gateway's public key with one algorithm, prepared for many requests. The caller has verified the configuration. */
export class OhttpClientKey {
  readonly #suite: HpkeSuite
  readonly #recipient: KemPublicKey
  readonly #header: Uint8Array
  readonly #setups: readonly [whole: HpkeBaseSetup, chunked: HpkeBaseSetup]

  /** @throws `HPKE_UNSUPPORTED`, `OHTTP_UNSUPPORTED_SUITE`, `CRYPTO_BAD_KEY`; `OHTTP_NO_SUITE` for an algorithm the configuration does not offer */
  constructor(config: OhttpKeyConfig, algorithm: OhttpAlgorithm) {
    const { keyId, kemId } = config
    const { kdfId, aeadId } = algorithm
    if (!config.algorithms.some((one) => one.kdfId === kdfId && one.aeadId === aeadId))
      throw ohttpError('OHTTP_NO_SUITE')
    const header = { keyId, kemId, kdfId, aeadId }
    this.#suite = hpkeSuite(header)
    this.#recipient = this.#suite.kem.importPublic(config.publicKey)
    this.#header = encodeHeader(header)
    this.#setups = [
      this.#suite.prepare(requestInfo(header, false)),
      this.#suite.prepare(requestInfo(header, true)),
    ]
  }

  /** Starts one request under fresh keys. */
  request(options: OhttpSendOptions = {}): OhttpRequestSealer {
    const isChunked = options.isChunked ?? true
    const { enc, context } = this.#setups[isChunked ? 1 : 0].send(
      this.#recipient,
      options.insecureFixedRandomness,
    )
    const prefix = concat(this.#header, enc)
    const sealer = new MessageSealer(
      context,
      prefix,
      isChunked,
      options.maxChunkBytes ?? DEFAULT_MAX_CHUNK_BYTES,
    )
    return new OhttpRequestSealer(sealer, { suite: this.#suite, context, enc, isChunked })
  }
}

/** One exchange of a client: seals the request once and opens its response once. */
export class OhttpRequestSealer {
  readonly #sealer: MessageSealer
  readonly #source: ResponseSource & { context: HpkeSealer }
  #isAnswered = false

  constructor(sealer: MessageSealer, source: ResponseSource & { context: HpkeSealer }) {
    this.#sealer = sealer
    this.#source = source
  }

  get isChunked(): boolean {
    return this.#source.isChunked
  }

  /** The encapsulated key: it stands in clear in front of the message, and no other message has it. */
  get enc(): Uint8Array {
    return this.#source.enc
  }

  /** Bytes to send for more of the request. @throws `OHTTP_CONTEXT_USED` after the end */
  seal(plaintext: Uint8Array): Uint8Array[] {
    return this.#sealer.seal(plaintext)
  }

  /** Bytes to send for the last of the request. @throws `OHTTP_CONTEXT_USED` after the end */
  end(plaintext?: Uint8Array): Uint8Array[] {
    return this.#sealer.end(plaintext)
  }

  /** Starts opening the only response. A retry needs a new request. @throws `OHTTP_CONTEXT_USED` the second time */
  openResponse(limits: OhttpLimits = {}): OhttpResponseOpener {
    if (this.#isAnswered) throw ohttpError('OHTTP_CONTEXT_USED')
    this.#isAnswered = true
    return new OhttpResponseOpener(this.#source, limits)
  }

  /** Keys of the only response, for a dialect that frames it in its own way. @throws `OHTTP_CONTEXT_USED` the second time */
  openUnframed(): { nonceLength: number; cipherOf: (nonce: Uint8Array) => ResponseCipher } {
    if (this.#isAnswered) throw ohttpError('OHTTP_CONTEXT_USED')
    this.#isAnswered = true
    return {
      nonceLength: responseNonceLength(this.#source.suite),
      cipherOf: (nonce) => new ResponseCipher(this.#source, nonce),
    }
  }
}

/** Opens one encapsulated response (RFC 9458 Section 4.4, chunked draft Section 6.2). */
export class OhttpResponseOpener {
  readonly #opener: MessageOpener

  constructor(source: ResponseSource, limits: OhttpLimits) {
    const length = responseNonceLength(source.suite)
    this.#opener = new MessageOpener(
      {
        read: (reader) => {
          const nonce = reader.take(length)
          return nonce === undefined ? undefined : new ResponseCipher(source, nonce)
        },
        onAuthenticated: () => undefined,
      },
      source.isChunked,
      limits,
    )
  }

  /** Verified plaintext that the next piece completes. @throws the codes of `OhttpErrorCode` */
  push(piece: Uint8Array): Uint8Array[] {
    return this.#opener.push(piece)
  }

  /** The rest of the plaintext; only now is the response complete. @throws `OHTTP_TRUNCATED`, `OHTTP_OPEN_FAILED` */
  finish(): Uint8Array[] {
    return this.#opener.finish()
  }
}
