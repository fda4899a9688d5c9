import { concat, uint, utf8 } from '../bytes/index.ts'
import { aeadById, type HpkeAead } from './aead.ts'
import { HpkeOpener, HpkeSealer } from './context.ts'
import { badInput, unsupported } from './errors.ts'
import { type HpkeKdf, kdfById, type KeyScheduleResult } from './kdf.ts'
import { kemById } from './kem.ts'
import type { HpkeKem, InsecureFixedRandomness, KemPrivateKey, KemPublicKey } from './kem-types.ts'

/** A PSK must be worth a key (RFC 9180 Section 9.5). */
const MIN_PSK_LENGTH = 32
const EMPTY = new Uint8Array(0)

/** What both sides agree on besides the suite. Leave out what the mode does not have. */
export interface HpkeBinding {
  /** Application data that both sides must have the same of. Empty by default. */
  readonly info?: Uint8Array
  /** Pre-shared key of at least 32 bytes, together with its identifier. */
  readonly psk?: Uint8Array
  readonly pskId?: Uint8Array
}

/** Options of the sender. */
export interface HpkeSenderOptions extends HpkeBinding {
  /** The sender's own key: the authenticated modes, DHKEM only. */
  readonly sender?: KemPrivateKey
  /** Known-answer tests only. */
  readonly insecureFixedRandomness?: InsecureFixedRandomness
}

/** Options of the recipient. */
export interface HpkeRecipientOptions extends HpkeBinding {
  /** The key the sender must own: the authenticated modes, DHKEM only. */
  readonly sender?: KemPublicKey
}

/** Base mode with fixed `info`: the part of the key schedule that depends on it is done once. */
export interface HpkeBaseSetup {
  send(recipient: KemPublicKey, insecure?: InsecureFixedRandomness): { enc: Uint8Array; context: HpkeSealer }
  /** @throws `CRYPTO_BAD_KEY` */
  receive(recipient: KemPrivateKey, enc: Uint8Array): HpkeOpener
}

/** A combination of algorithms (RFC 9180 Section 5). */
export class HpkeSuite {
  readonly kem: HpkeKem
  readonly kdf: HpkeKdf
  readonly aead: HpkeAead
  readonly #suiteId: Uint8Array

  /** @throws `HPKE_UNSUPPORTED` */
  constructor(kemId: number, kdfId: number, aeadId: number) {
    this.kem = kemById(kemId)
    this.kdf = kdfById(kdfId)
    this.aead = aeadById(aeadId)
    this.#suiteId = concat(utf8('HPKE'), uint(kemId, 2), uint(kdfId, 2), uint(aeadId, 2))
  }

  /** Prepares the base mode for many messages with the same `info`. */
  prepare(info: Uint8Array): HpkeBaseSetup {
    const schedule = this.keySchedule({ info }, false)
    return {
      send: (recipient, insecure) => {
        this.#requireKem(recipient.kem)
        const { enc, sharedSecret } = recipient.encap(insecure)
        return { enc, context: this.#sealer(schedule(sharedSecret)) }
      },
      receive: (recipient, enc) => {
        this.#requireKem(recipient.kem)
        return this.#opener(schedule(recipient.decap(enc)))
      },
    }
  }

  /** SetupBaseS, SetupPSKS, SetupAuthS or SetupAuthPSKS, as the options say. @throws `HPKE_BAD_INPUT`, `HPKE_UNSUPPORTED`, `CRYPTO_BAD_KEY` */
  setupSender(
    recipient: KemPublicKey,
    options: HpkeSenderOptions = {},
  ): { enc: Uint8Array; context: HpkeSealer } {
    this.#requireKem(recipient.kem)
    const schedule = this.keySchedule(options, options.sender !== undefined)
    const insecure = options.insecureFixedRandomness
    if (options.sender === undefined) {
      const { enc, sharedSecret } = recipient.encap(insecure)
      return { enc, context: this.#sealer(schedule(sharedSecret)) }
    }
    this.#requireKem(options.sender.kem)
    if (options.sender.authEncap === undefined)
      throw unsupported('sender authentication with this KEM', this.kem.id)
    const { enc, sharedSecret } = options.sender.authEncap(recipient, insecure)
    return { enc, context: this.#sealer(schedule(sharedSecret)) }
  }

  /** SetupBaseR, SetupPSKR, SetupAuthR or SetupAuthPSKR, as the options say. @throws `HPKE_BAD_INPUT`, `HPKE_UNSUPPORTED`, `CRYPTO_BAD_KEY` */
  setupRecipient(recipient: KemPrivateKey, enc: Uint8Array, options: HpkeRecipientOptions = {}): HpkeOpener {
    this.#requireKem(recipient.kem)
    const schedule = this.keySchedule(options, options.sender !== undefined)
    if (options.sender === undefined) return this.#opener(schedule(recipient.decap(enc)))
    this.#requireKem(options.sender.kem)
    if (recipient.authDecap === undefined)
      throw unsupported('sender authentication with this KEM', this.kem.id)
    return this.#opener(schedule(recipient.authDecap(enc, options.sender)))
  }

  /** KeySchedule (RFC 9180 Section 5.1) up to the shared secret. Internal; tests compare its result with vectors. */
  keySchedule(
    binding: HpkeBinding,
    isAuthenticated: boolean,
  ): (sharedSecret: Uint8Array) => KeyScheduleResult {
    const { info = EMPTY, psk = EMPTY, pskId = EMPTY } = binding
    // VerifyPSKInputs.
    if (psk.length > 0 !== pskId.length > 0) throw badInput('a PSK and its identifier come together')
    if (psk.length > 0 && psk.length < MIN_PSK_LENGTH)
      throw badInput(`a PSK has at least ${MIN_PSK_LENGTH} bytes`)
    return this.kdf.prepare({
      suiteId: this.#suiteId,
      mode: (isAuthenticated ? 2 : 0) + (psk.length > 0 ? 1 : 0),
      info,
      psk,
      pskId,
      keyLength: this.aead.keyLength,
      nonceLength: this.aead.nonceLength,
    })
  }

  #sealer(keys: KeyScheduleResult): HpkeSealer {
    return new HpkeSealer(this.#suiteId, this.kdf, this.aead, keys)
  }

  #opener(keys: KeyScheduleResult): HpkeOpener {
    return new HpkeOpener(this.#suiteId, this.kdf, this.aead, keys)
  }

  #requireKem(kem: HpkeKem): void {
    if (kem !== this.kem) throw badInput(`the key belongs to ${kem.name} and not to ${this.kem.name}`)
  }
}
