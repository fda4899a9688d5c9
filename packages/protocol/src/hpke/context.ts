import { type AeadKey, type AeadOpener, type AeadSealer, crypto } from '../crypto-backend/index.ts'
import type { HpkeAead } from './aead.ts'
import { unsupported } from './errors.ts'
import type { HpkeKdf, KeyScheduleResult } from './kdf.ts'
import { NonceSequence } from './nonce.ts'

/** What the sender and the recipient context have in common. */
abstract class HpkeContext {
  readonly #suiteId: Uint8Array
  readonly #kdf: HpkeKdf
  readonly #aead: HpkeAead
  readonly #exporterSecret: Uint8Array
  readonly #key: AeadKey | undefined
  protected readonly nonces: NonceSequence

  constructor(suiteId: Uint8Array, kdf: HpkeKdf, aead: HpkeAead, keys: KeyScheduleResult) {
    this.#suiteId = suiteId
    this.#kdf = kdf
    this.#aead = aead
    this.#exporterSecret = keys.exporterSecret
    this.#key = aead.name === undefined ? undefined : crypto.aead(aead.name, keys.key)
    this.nonces = new NonceSequence(keys.baseNonce)
  }

  /** Secret of `length` bytes bound to this context (RFC 9180 Section 5.3). @throws `HPKE_BAD_INPUT` */
  export(exporterContext: Uint8Array, length: number): Uint8Array {
    return this.#kdf.export(this.#suiteId, this.#exporterSecret, exporterContext, length)
  }

  /** @throws `HPKE_UNSUPPORTED` for an export-only context */
  protected get key(): AeadKey {
    if (this.#key === undefined) throw unsupported('encryption with an export-only context', this.#aead.id)
    return this.#key
  }
}

/** Context of the sender: seals messages in order, each under its own nonce. */
export class HpkeSealer extends HpkeContext {
  /** Seals the next message. @throws `HPKE_SEQUENCE_OVERFLOW`, `HPKE_UNSUPPORTED` */
  seal(aad: Uint8Array, plaintext: Uint8Array): Uint8Array {
    return this.key.seal(this.nonces.next(), aad, plaintext)
  }

  /** Seals the next message as a list of buffers, without a copy. @throws `HPKE_SEQUENCE_OVERFLOW`, `HPKE_UNSUPPORTED` */
  sealParts(aad: Uint8Array, plaintext: Uint8Array): Uint8Array[] {
    return this.key.sealParts(this.nonces.next(), aad, plaintext)
  }

  /** Seals the next message, which comes in parts. @throws `HPKE_SEQUENCE_OVERFLOW`, `HPKE_UNSUPPORTED` */
  sealer(aad: Uint8Array): AeadSealer {
    return this.key.sealer(this.nonces.next(), aad)
  }
}

/** Context of the recipient: opens messages in the order in which they were sealed. */
export class HpkeOpener extends HpkeContext {
  /**
   * Opens the next message. A message that is not authentic leaves the context as it was.
   * @throws `CRYPTO_OPEN_FAILED`, `HPKE_SEQUENCE_OVERFLOW`, `HPKE_UNSUPPORTED`
   */
  open(aad: Uint8Array, sealed: Uint8Array): Uint8Array {
    const plaintext = this.key.open(this.nonces.current(), aad, sealed)
    this.nonces.next()
    return plaintext
  }

  /** Opens the next message, which comes in parts; nothing is released before it is verified. */
  opener(aad: Uint8Array): AeadOpener {
    return this.key.opener(this.nonces.next(), aad)
  }
}
