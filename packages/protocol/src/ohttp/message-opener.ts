import { AEAD_TAG_LENGTH, type AeadOpener } from '../crypto-backend/index.ts'
import { hasCode } from '../errors/index.ts'
import { PushReader } from '../varint/index.ts'
import { Accumulator } from './accumulator.ts'
import { ohttpError } from './errors.ts'
import { DEFAULT_MAX_CHUNK_BYTES, FINAL_AAD } from './message-sealer.ts'

const EMPTY = new Uint8Array(0)
/** Pieces below this are joined before they are decrypted, into some of this length. */
const SMALL_PIECE_LENGTH = 512
const JOINED_LENGTH = 8192
const DEFAULT_MAX_CHUNKED_BYTES = 2 ** 30
const DEFAULT_MAX_WHOLE_BYTES = 32 * 2 ** 20

/** Decrypts messages in order, each under its own nonce: an HPKE context or the keys of a response. */
export interface OpeningCipher {
  open(aad: Uint8Array, sealed: Uint8Array): Uint8Array
  opener(aad: Uint8Array): AeadOpener
}

/** Bounds of a message from a hostile sender. */
export interface OhttpLimits {
  /** Plaintext bytes of one chunk. 16384 by default; more only between parties that agreed on it. */
  readonly maxChunkBytes?: number
  /** Plaintext bytes of the whole message. 1 GiB chunked by default, otherwise 32 MiB, because that is held in memory. */
  readonly maxMessageBytes?: number
}

/** What is particular to requests or to responses. */
export interface MessageStart {
  /** Reads what comes before the ciphertext; undefined while it is incomplete. */
  read(reader: PushReader): OpeningCipher | undefined
  /** Called once, when the first ciphertext has proven authentic and before any plaintext is released. */
  onAuthenticated(): void
}

/**
 * Decrypts one message that arrives in pieces of any size. Chunked: each chunk is released when it is
 * verified, and the message is complete only when `finish` returns. Otherwise `finish` releases
 * everything. After an error the opener holds no data and stays failed.
 */
export class MessageOpener {
  readonly #start: MessageStart
  readonly #isChunked: boolean
  readonly #maxChunkBytes: number
  readonly #maxMessageBytes: number
  readonly #reader = new PushReader()
  /** The final chunk, or the part of an unchunked message that is not decrypted yet. */
  readonly #held = new Accumulator()
  #cipher: OpeningCipher | undefined
  #whole: AeadOpener | undefined
  #chunkLength: number | undefined
  #received = 0
  #isAuthenticated = false
  #state: 'open' | 'finished' | 'failed' = 'open'

  constructor(start: MessageStart, isChunked: boolean, limits: OhttpLimits) {
    this.#start = start
    this.#isChunked = isChunked
    this.#maxChunkBytes = limits.maxChunkBytes ?? DEFAULT_MAX_CHUNK_BYTES
    this.#maxMessageBytes =
      limits.maxMessageBytes ?? (isChunked ? DEFAULT_MAX_CHUNKED_BYTES : DEFAULT_MAX_WHOLE_BYTES)
  }

  /** Verified plaintext that the next piece completes. @throws the codes of `OhttpErrorCode` */
  push(piece: Uint8Array): Uint8Array[] {
    return this.#guard(() => {
      const out: Uint8Array[] = []
      this.#reader.feed(piece)
      this.#cipher ??= this.#start.read(this.#reader)
      if (this.#cipher === undefined) return out
      if (this.#isChunked) this.#readChunks(this.#cipher, out)
      else this.#readWhole(this.#cipher)
      return out
    })
  }

  /** The rest of the verified plaintext. The message is complete. @throws `OHTTP_TRUNCATED`, `OHTTP_OPEN_FAILED` */
  finish(): Uint8Array[] {
    return this.#guard(() => {
      const isAtEnd = this.#isChunked ? this.#chunkLength === 0 : this.#cipher !== undefined
      if (this.#cipher === undefined || !isAtEnd || this.#held.length < AEAD_TAG_LENGTH) {
        throw ohttpError('OHTTP_TRUNCATED')
      }
      const out = this.#isChunked ? [this.#cipher.open(FINAL_AAD, this.#held.bytes)] : this.#finishWhole()
      this.#authenticated()
      this.#state = 'finished'
      this.#held.clear()
      return out.filter((part) => part.length > 0)
    })
  }

  #readChunks(cipher: OpeningCipher, out: Uint8Array[]): void {
    for (;;) {
      this.#chunkLength ??= this.#reader.varint()
      if (this.#chunkLength === undefined) return
      // A length of zero announces the final chunk, which goes on to the end of the message.
      if (this.#chunkLength === 0) return this.#readFinal()
      if (this.#chunkLength <= AEAD_TAG_LENGTH) throw ohttpError('OHTTP_MALFORMED')
      this.#requireChunkLength(this.#chunkLength)
      const sealed = this.#reader.take(this.#chunkLength)
      if (sealed === undefined) return
      this.#count(sealed.length - AEAD_TAG_LENGTH)
      const plaintext = cipher.open(EMPTY, sealed)
      this.#authenticated()
      out.push(plaintext)
      this.#chunkLength = undefined
    }
  }

  #readFinal(): void {
    const piece = this.#reader.takeSome(Infinity)
    this.#requireChunkLength(this.#held.length + piece.length)
    this.#count(piece.length)
    this.#held.append(piece)
  }

  #readWhole(cipher: OpeningCipher): void {
    const piece = this.#reader.takeSome(Infinity)
    this.#count(piece.length)
    this.#whole ??= cipher.opener(EMPTY)
    if (piece.length < SMALL_PIECE_LENGTH) {
      this.#held.append(piece)
      if (this.#held.length < JOINED_LENGTH) return
      this.#whole.update(this.#held.bytes.subarray(0, -AEAD_TAG_LENGTH))
      this.#held.keepLast(AEAD_TAG_LENGTH)
      return
    }
    // The last bytes may be the tag, and everything before them is not.
    this.#whole.update(this.#held.bytes)
    this.#whole.update(piece.subarray(0, -AEAD_TAG_LENGTH))
    this.#held.keepLast(0)
    this.#held.append(piece.subarray(-AEAD_TAG_LENGTH))
  }

  #finishWhole(): Uint8Array[] {
    const { bytes } = this.#held
    this.#whole!.update(bytes.subarray(0, -AEAD_TAG_LENGTH))
    return this.#whole!.final(bytes.subarray(-AEAD_TAG_LENGTH))
  }

  #authenticated(): void {
    if (this.#isAuthenticated) return
    this.#isAuthenticated = true
    this.#start.onAuthenticated()
  }

  #requireChunkLength(length: number): void {
    if (length <= this.#maxChunkBytes + AEAD_TAG_LENGTH) return
    throw ohttpError('OHTTP_TOO_LARGE', { expected: `maxChunkBytes at most ${this.#maxChunkBytes}` })
  }

  #count(bytes: number): void {
    this.#received += bytes
    // One tag more at most: an unchunked message and a final chunk are counted with theirs.
    if (this.#received <= this.#maxMessageBytes + AEAD_TAG_LENGTH) return
    throw ohttpError('OHTTP_TOO_LARGE', { expected: `maxMessageBytes at most ${this.#maxMessageBytes}` })
  }

  #guard(run: () => Uint8Array[]): Uint8Array[] {
    if (this.#state !== 'open') throw ohttpError('OHTTP_CONTEXT_USED')
    try {
      return run()
    } catch (error) {
      this.#state = 'failed'
      this.#reader.clear()
      this.#held.clear()
      this.#cipher = undefined
      this.#whole = undefined
      // A key that is no point and a tag that does not match look alike from outside.
      const isCryptographic = hasCode(error, 'CRYPTO_OPEN_FAILED') || hasCode(error, 'CRYPTO_BAD_KEY')
      throw isCryptographic ? ohttpError('OHTTP_OPEN_FAILED') : error
    }
  }
}
