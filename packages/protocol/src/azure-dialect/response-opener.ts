import { AEAD_TAG_LENGTH } from '../crypto-backend/index.ts'
import { hasCode } from '../errors/index.ts'
import type { ResponseCipher } from '../ohttp/index.ts'
import { PushReader } from '../varint/index.ts'
import { azureError } from './errors.ts'
import { Leb128Reader } from './leb128.ts'
import { FINAL_AAD } from './response-sealer.ts'

const EMPTY = new Uint8Array(0)

/** Bounds of an answer from a hostile sender. */
export interface AzureResponseLimits {
  /** Plaintext bytes of one chunk. Default 1 MiB: other servers pass on what they were given at once. */
  maxChunkBytes?: number
  /** Of all of them. Default 64 MiB. */
  maxBytes?: number
}

/**
 * Decrypts one answer of the dialect that arrives in pieces of any size. The body is complete only when `finish`
 * returns: an answer without a verified final chunk is a cut one, which their client does not notice.
 */
export class AzureResponseOpener {
  readonly #keys: { nonceLength: number; cipherOf: (nonce: Uint8Array) => Pick<ResponseCipher, 'open'> }
  readonly #maxChunkBytes: number
  readonly #maxBytes: number
  readonly #reader = new PushReader()
  readonly #leb128 = new Leb128Reader()
  #cipher: Pick<ResponseCipher, 'open'> | undefined
  #isFinal = false
  #length: number | undefined
  #received = 0
  #state: 'open' | 'ended' | 'finished' | 'failed' = 'open'

  constructor(
    keys: { nonceLength: number; cipherOf: (nonce: Uint8Array) => Pick<ResponseCipher, 'open'> },
    { maxChunkBytes = 2 ** 20, maxBytes = 2 ** 26 }: AzureResponseLimits = {},
  ) {
    this.#keys = keys
    this.#maxChunkBytes = maxChunkBytes
    this.#maxBytes = maxBytes
  }

  /** Verified parts of the body that the next piece completes. @throws the codes of `AzureDialectErrorCode` */
  push(piece: Uint8Array): Uint8Array[] {
    if (this.#state === 'finished' || this.#state === 'failed')
      throw azureError('AZURE_CONTEXT_USED', 'the answer is over')
    try {
      this.#reader.feed(piece)
      const body: Uint8Array[] = []
      while (this.#state === 'open') {
        const part = this.#next()
        if (part === undefined) break
        if (part.length > 0) body.push(part)
      }
      if (this.#state === 'ended' && this.#reader.available > 0)
        throw azureError('AZURE_MALFORMED', 'bytes follow the final chunk')
      return body
    } catch (error) {
      this.#state = 'failed'
      this.#reader.clear()
      throw hasCode(error, 'CRYPTO_OPEN_FAILED')
        ? azureError('AZURE_OPEN_FAILED', 'a chunk is not authentic')
        : error
    }
  }

  /** The body is complete. @throws `AZURE_TRUNCATED` without a verified final chunk */
  finish(): void {
    const wasEnded = this.#state === 'ended'
    this.#state = wasEnded ? 'finished' : 'failed'
    this.#reader.clear()
    if (!wasEnded) throw azureError('AZURE_TRUNCATED', 'the answer ended before its final chunk')
  }

  #next(): Uint8Array | undefined {
    if (this.#cipher === undefined) {
      const nonce = this.#reader.take(this.#keys.nonceLength)
      if (nonce === undefined) return undefined
      this.#cipher = this.#keys.cipherOf(nonce)
    }
    this.#length ??= this.#readLength()
    if (this.#length === undefined) return undefined
    const sealed = this.#reader.take(this.#length)
    if (sealed === undefined) return undefined
    this.#length = undefined
    const part = this.#cipher.open(this.#isFinal ? FINAL_AAD : EMPTY, sealed)
    if (this.#isFinal) this.#state = 'ended'
    return part
  }

  #readLength(): number | undefined {
    while (this.#reader.available > 0) {
      const length = this.#leb128.push(this.#reader.takeSome(1)[0]!)
      if (length === undefined) continue
      if (length === 0 && !this.#isFinal) {
        this.#isFinal = true
        continue
      }
      if (length < AEAD_TAG_LENGTH) throw azureError('AZURE_MALFORMED', 'a chunk is too short')
      const bytes = length - AEAD_TAG_LENGTH
      this.#received += bytes
      if (bytes > this.#maxChunkBytes || this.#received > this.#maxBytes)
        throw azureError('AZURE_TOO_LARGE', 'a chunk or the answer is too large')
      return length
    }
    return undefined
  }
}
