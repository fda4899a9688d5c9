import type { HpkeBaseSetup, HpkeOpener, HpkeSuite, KemPrivateKey } from '../hpke/index.ts'
import { crypto } from '../crypto-backend/index.ts'
import { ohttpError } from './errors.ts'
import { type OhttpHeader, HEADER_LENGTH, parseHeader, requestInfo } from './header.ts'
import type { OhttpAlgorithm, OhttpKeyConfig } from './key-config.ts'
import { MessageOpener, type OhttpLimits, type OpeningCipher } from './message-opener.ts'
import { DEFAULT_MAX_CHUNK_BYTES, MessageSealer } from './message-sealer.ts'
import { ResponseCipher, responseNonceLength } from './response-cipher.ts'
import { hpkeSuite } from './suites.ts'
import type { PushReader } from '../varint/index.ts'

/** A gateway's private key with what it offers. Prepared once, used for every request. */
export class OhttpGatewayKey {
  readonly config: OhttpKeyConfig
  readonly privateKey: KemPrivateKey
  readonly #setups = new Map<string, { suite: HpkeSuite; setup: HpkeBaseSetup }>()

  /** @throws `HPKE_UNSUPPORTED` for an algorithm that is not implemented, `OHTTP_UNSUPPORTED_SUITE` for one that cannot answer */
  constructor(keyId: number, privateKey: KemPrivateKey, algorithms: readonly OhttpAlgorithm[]) {
    const kemId = privateKey.kem.id
    this.config = { keyId, kemId, publicKey: privateKey.publicKey, algorithms }
    this.privateKey = privateKey
    for (const { kdfId, aeadId } of algorithms) {
      const suite = hpkeSuite({ kemId, kdfId, aeadId })
      for (const isChunked of [false, true]) {
        const setup = suite.prepare(requestInfo({ keyId, kemId, kdfId, aeadId }, isChunked))
        this.#setups.set(setupName(kdfId, aeadId, isChunked), { suite, setup })
      }
    }
  }

  /** What the header asks for, undefined unless this key offers exactly that. */
  find(header: OhttpHeader, isChunked: boolean): { suite: HpkeSuite; setup: HpkeBaseSetup } | undefined {
    if (header.keyId !== this.config.keyId || header.kemId !== this.config.kemId) return undefined
    return this.#setups.get(setupName(header.kdfId, header.aeadId, isChunked))
  }
}

/**
 * Remembers encapsulated keys for as long as their private key lives. Both methods must be atomic
 * with respect to each other; whoever can make it forget can have requests run twice.
 */
export interface ReplayGuard {
  /** True when the key was claimed before. Asked before any decryption. */
  has(keyId: number, enc: Uint8Array): boolean
  /** Claims the key of an authentic request; false when it was claimed before, by a request in parallel. */
  claim(keyId: number, enc: Uint8Array): boolean
}

/** How a gateway receives one request. */
export interface OhttpReceiveOptions extends OhttpLimits {
  /** As the media type says; the two framings never open each other's messages. */
  readonly isChunked: boolean
  /** The private key of an identifier. */
  readonly findKey: (keyId: number) => OhttpGatewayKey | undefined
  /** Left out only where requests are harmless to repeat. */
  readonly replay?: ReplayGuard
}

/** How a gateway answers. */
export interface OhttpRespondOptions {
  /** Plaintext bytes of a chunk. 16384 by default, which every client accepts. */
  readonly maxChunkBytes?: number
  /** Known-answer tests only: two responses with one nonce reveal both. */
  readonly insecureResponseNonce?: Uint8Array
}

/**
 * Opens one encapsulated request (RFC 9458 Section 4.3, chunked draft Section 6.1) and seals its
 * response. The order is fixed: key, algorithms, replay, decryption, claim, plaintext.
 */
export class OhttpRequestOpener {
  readonly #options: OhttpReceiveOptions
  readonly #opener: MessageOpener
  #header: OhttpHeader | undefined
  #found: { suite: HpkeSuite; setup: HpkeBaseSetup; key: OhttpGatewayKey } | undefined
  #enc: Uint8Array | undefined
  #context: HpkeOpener | undefined
  #isAuthenticated = false
  #isAnswered = false

  constructor(options: OhttpReceiveOptions) {
    this.#options = options
    const start = { read: this.#read.bind(this), onAuthenticated: this.#onAuthenticated.bind(this) }
    this.#opener = new MessageOpener(start, options.isChunked, options)
  }

  /** Verified plaintext that the next piece completes. @throws the codes of `OhttpErrorCode` */
  push(piece: Uint8Array): Uint8Array[] {
    return this.#opener.push(piece)
  }

  /** The rest of the plaintext; only now is the request complete. @throws `OHTTP_TRUNCATED`, `OHTTP_OPEN_FAILED` */
  finish(): Uint8Array[] {
    return this.#opener.finish()
  }

  /** The header, once it has arrived. Unauthenticated until {@link isAuthenticated}. */
  get header(): OhttpHeader | undefined {
    return this.#header
  }

  /** True once some of the request has proven authentic: the sender knew the public key. */
  get isAuthenticated(): boolean {
    return this.#isAuthenticated
  }

  /**
   * Starts the only response to this request.
   * @throws `OHTTP_CONTEXT_USED` before the request is authentic, or for a second response
   */
  respond(options: OhttpRespondOptions = {}): MessageSealer {
    const { cipher, nonce } = this.respondUnframed(options)
    const maxChunkBytes = options.maxChunkBytes ?? DEFAULT_MAX_CHUNK_BYTES
    return new MessageSealer(cipher, nonce, this.#options.isChunked, maxChunkBytes)
  }

  /**
   * Keys and nonce of the only response, for a dialect that frames it in its own way.
   * @throws as {@link respond}
   */
  respondUnframed(options: OhttpRespondOptions = {}): { cipher: ResponseCipher; nonce: Uint8Array } {
    if (this.#isAnswered || !this.#isAuthenticated) throw ohttpError('OHTTP_CONTEXT_USED')
    this.#isAnswered = true
    const { isChunked } = this.#options
    const source = { suite: this.#found!.suite, context: this.#context!, enc: this.#enc!, isChunked }
    const nonce = options.insecureResponseNonce ?? crypto.randomBytes(responseNonceLength(source.suite))
    return { cipher: new ResponseCipher(source, nonce), nonce }
  }

  #read(reader: PushReader): OpeningCipher | undefined {
    if (this.#found === undefined) {
      const bytes = reader.take(HEADER_LENGTH)
      if (bytes === undefined) return undefined
      this.#found = this.#findKey(parseHeader(bytes))
    }
    const { setup, key } = this.#found
    const enc = reader.take(key.privateKey.kem.encLength)
    if (enc === undefined) return undefined
    // The replay guard comes first: it is the cheaper refusal.
    if (this.#options.replay?.has(key.config.keyId, enc) === true) throw ohttpError('OHTTP_REPLAYED')
    this.#enc = new Uint8Array(enc)
    this.#context = setup.receive(key.privateKey, enc)
    return this.#context
  }

  #findKey(header: OhttpHeader): { suite: HpkeSuite; setup: HpkeBaseSetup; key: OhttpGatewayKey } {
    this.#header = header
    const key = this.#options.findKey(header.keyId)
    if (key === undefined) throw ohttpError('OHTTP_UNKNOWN_KEY', { found: `${header.keyId}` })
    const found = key.find(header, this.#options.isChunked)
    if (found === undefined) throw ohttpError('OHTTP_UNSUPPORTED_SUITE')
    return { ...found, key }
  }

  #onAuthenticated(): void {
    const { replay } = this.#options
    if (replay !== undefined && !replay.claim(this.#header!.keyId, this.#enc!))
      throw ohttpError('OHTTP_REPLAYED')
    this.#isAuthenticated = true
  }
}

function setupName(kdfId: number, aeadId: number, isChunked: boolean): string {
  return `${kdfId}/${aeadId}/${isChunked}`
}
