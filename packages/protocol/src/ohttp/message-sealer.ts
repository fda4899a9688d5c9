import { concat, utf8 } from '../bytes/index.ts'
import { AEAD_TAG_LENGTH, type AeadSealer } from '../crypto-backend/index.ts'
import { encodeVarint } from '../varint/index.ts'
import { ohttpError } from './errors.ts'

/** Associated data of the final chunk (chunked draft Section 6.1). */
export const FINAL_AAD: Uint8Array = utf8('final')
/** Plaintext bytes of a chunk that every receiver accepts (chunked draft Section 6). */
export const DEFAULT_MAX_CHUNK_BYTES = 16384

const EMPTY = new Uint8Array(0)
/** Below this, one buffer is cheaper than three. */
const COALESCE_LENGTH = 4096

/** Encrypts messages in order, each under its own nonce: an HPKE context or the keys of a response. */
export interface SealingCipher {
  sealParts(aad: Uint8Array, plaintext: Uint8Array): Uint8Array[]
  sealer(aad: Uint8Array): AeadSealer
}

/**
 * Encrypts one message as its plaintext becomes available. Chunked: every `seal` can be sent at once.
 * Otherwise the message is one ciphertext, which the receiver can only open when it is complete.
 */
export class MessageSealer {
  readonly #cipher: SealingCipher
  readonly #maxChunkBytes: number
  readonly #whole: AeadSealer | undefined
  #prefix: Uint8Array | undefined
  #isEnded = false

  /** `prefix` goes before the first bytes. */
  constructor(cipher: SealingCipher, prefix: Uint8Array, isChunked: boolean, maxChunkBytes: number) {
    this.#cipher = cipher
    this.#prefix = prefix
    this.#maxChunkBytes = maxChunkBytes
    this.#whole = isChunked ? undefined : cipher.sealer(EMPTY)
  }

  /** Bytes to send for more plaintext; empty plaintext makes no chunk. @throws `OHTTP_CONTEXT_USED` after the end */
  seal(plaintext: Uint8Array): Uint8Array[] {
    const out = this.#start()
    if (this.#whole !== undefined) out.push(...this.#whole.update(plaintext))
    else for (const chunk of this.#split(plaintext)) this.#pushChunk(out, chunk)
    return out
  }

  /** Bytes to send for the last plaintext, which may be empty. @throws `OHTTP_CONTEXT_USED` after the end */
  end(plaintext: Uint8Array = EMPTY): Uint8Array[] {
    const out = this.#start()
    this.#isEnded = true
    if (this.#whole !== undefined) {
      out.push(...this.#whole.update(plaintext), ...this.#whole.final())
      return out
    }
    const chunks = [...this.#split(plaintext)]
    const last = chunks.pop() ?? EMPTY
    for (const chunk of chunks) this.#pushChunk(out, chunk)
    out.push(encodeVarint(0), ...this.#cipher.sealParts(FINAL_AAD, last))
    return out
  }

  #start(): Uint8Array[] {
    if (this.#isEnded) throw ohttpError('OHTTP_CONTEXT_USED')
    const out = this.#prefix === undefined ? [] : [this.#prefix]
    this.#prefix = undefined
    return out
  }

  #pushChunk(out: Uint8Array[], chunk: Uint8Array): void {
    const parts = [encodeVarint(chunk.length + AEAD_TAG_LENGTH), ...this.#cipher.sealParts(EMPTY, chunk)]
    if (chunk.length <= COALESCE_LENGTH) out.push(concat(...parts))
    else out.push(...parts)
  }

  *#split(plaintext: Uint8Array): Generator<Uint8Array> {
    for (let offset = 0; offset < plaintext.length; offset += this.#maxChunkBytes) {
      yield plaintext.subarray(offset, offset + this.#maxChunkBytes)
    }
  }
}
