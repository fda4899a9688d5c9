import { concat, uint } from '../bytes/index.ts'
import { crypto } from '../crypto-backend/index.ts'
import { sealedError, type ArtifactKeys, type SealedHeader } from './header.ts'

const TAG_BYTES = 16

/** Number of chunks: at least one, so that even an empty artifact has an authenticated end. */
export function chunkCount({
  plaintextBytes,
  chunkBytes,
}: Pick<SealedHeader, 'plaintextBytes' | 'chunkBytes'>): number {
  return Math.max(1, Math.ceil(plaintextBytes / chunkBytes))
}

/** Where chunk `index` lies in the sealed file: for range reads. */
export function chunkRange(header: SealedHeader, index: number): { start: number; length: number } {
  const count = chunkCount(header)
  if (!Number.isInteger(index) || index < 0 || index >= count)
    throw new RangeError(`chunk ${index} of ${count}`)
  const plain = index === count - 1 ? header.plaintextBytes - index * header.chunkBytes : header.chunkBytes
  return { start: header.headerBytes + index * (header.chunkBytes + TAG_BYTES), length: plain + TAG_BYTES }
}

/** Bytes of the whole sealed file. */
export function sealedBytes(header: SealedHeader): number {
  return header.headerBytes + header.plaintextBytes + chunkCount(header) * TAG_BYTES
}

/** Seals and opens the chunks of one artifact. STREAM (Hoang et al. 2015): nonce = 7 zero bytes, counter, last flag. */
export class ChunkCipher {
  readonly #keys: ArtifactKeys
  readonly #aad: Uint8Array
  readonly #last: number

  /** @param headerBytes the whole header with its sealed metadata: every chunk is bound to it */
  constructor(keys: ArtifactKeys, header: SealedHeader, headerBytes: Uint8Array) {
    this.#keys = keys
    this.#aad = crypto.sha256(headerBytes)
    this.#last = chunkCount(header) - 1
  }

  seal(index: number, plaintext: Uint8Array): Uint8Array {
    return this.#keys.chunk.seal(this.#nonce(index), this.#aad, plaintext)
  }

  /** @throws `SEALED_TAMPERED`: altered, moved, of another artifact, or cut short */
  async open(index: number, sealed: Uint8Array): Promise<Uint8Array> {
    try {
      return await this.#keys.chunk.openAside(this.#nonce(index), this.#aad, sealed)
    } catch (cause) {
      throw sealedError('SEALED_TAMPERED', `chunk ${index} was altered or is of another artifact`, cause)
    }
  }

  #nonce(index: number): Uint8Array {
    // The key is this artifact's alone, so the prefix may be constant.
    return concat(new Uint8Array(7), uint(index, 4), Uint8Array.of(index === this.#last ? 1 : 0))
  }
}
