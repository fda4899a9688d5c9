import { concat, utf8 } from '../bytes/index.ts'
import { AEAD_TAG_LENGTH } from '../crypto-backend/index.ts'
import type { ResponseCipher } from '../ohttp/index.ts'
import { azureError } from './errors.ts'
import { encodeLeb128 } from './leb128.ts'

const EMPTY = new Uint8Array(0)
/** Associated data of the last chunk; the others have none. */
export const FINAL_AAD: Uint8Array = utf8('final')

/**
 * Plaintext bytes of a chunk we send. Their client fails when the length of a chunk comes in two pieces, so that
 * each chunk is one write that fits one read.
 */
export const AZURE_CHUNK_BYTES = 4096

/**
 * Encrypts one answer of the dialect: nonce, then per chunk `LEB128 length ‖ ciphertext`, the last one with a zero
 * byte before it and `final` as associated data. The plaintext is the body alone.
 */
export class AzureResponseSealer {
  readonly #cipher: Pick<ResponseCipher, 'sealParts'>
  readonly #maxChunkBytes: number
  #nonce: Uint8Array | undefined
  #isEnded = false

  /** @param maxChunkBytes plaintext, at most 2^27; default {@link AZURE_CHUNK_BYTES} */
  constructor(
    { cipher, nonce }: { cipher: Pick<ResponseCipher, 'sealParts'>; nonce: Uint8Array },
    maxChunkBytes: number = AZURE_CHUNK_BYTES,
  ) {
    this.#cipher = cipher
    this.#nonce = nonce
    this.#maxChunkBytes = maxChunkBytes
  }

  /** What to send for more of the body, one array per write. @throws `AZURE_CONTEXT_USED` after the end */
  seal(body: Uint8Array): Uint8Array[] {
    const out = this.#start()
    for (const part of this.#split(body)) out.push(this.#chunk(part, false))
    return out
  }

  /** What to send for the last of the body, which may be empty. @throws `AZURE_CONTEXT_USED` the second time */
  end(body: Uint8Array = EMPTY): Uint8Array[] {
    const out = this.#start()
    this.#isEnded = true
    const parts = this.#split(body)
    const last = parts.pop() ?? EMPTY
    for (const part of parts) out.push(this.#chunk(part, false))
    out.push(this.#chunk(last, true))
    return out
  }

  #start(): Uint8Array[] {
    if (this.#isEnded) throw azureError('AZURE_CONTEXT_USED', 'the answer has ended')
    const out = this.#nonce === undefined ? [] : [this.#nonce]
    this.#nonce = undefined
    return out
  }

  #chunk(plaintext: Uint8Array, isFinal: boolean): Uint8Array {
    const length = encodeLeb128(plaintext.length + AEAD_TAG_LENGTH)
    const sealed = this.#cipher.sealParts(isFinal ? FINAL_AAD : EMPTY, plaintext)
    return isFinal ? concat(encodeLeb128(0), length, ...sealed) : concat(length, ...sealed)
  }

  #split(body: Uint8Array): Uint8Array[] {
    const parts: Uint8Array[] = []
    for (let offset = 0; offset < body.length; offset += this.#maxChunkBytes)
      parts.push(body.subarray(offset, offset + this.#maxChunkBytes))
    return parts
  }
}
