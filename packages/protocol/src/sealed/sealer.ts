import { concat, toHex } from '../bytes/index.ts'
import { crypto } from '../crypto-backend/index.ts'
import { ChunkCipher } from './chunks.ts'
import {
  deriveKeys,
  encodeHeader,
  requireBounds,
  sealedError,
  sealedMetadataBytes,
  type SealedHeader,
  sealMetadata,
} from './header.ts'

/** What an artifact is sealed with, besides its content. */
export interface SealerOptions {
  /** 32 random bytes, for this artifact only. */
  contentKey: Uint8Array
  /** Exact length of the content. */
  plaintextBytes: number
  /** Sealed with the artifact: a name, a media type; at most 16 KiB of UTF-8. */
  metadata?: string
  /** 64 KiB to 1 MiB. Default 256 KiB. */
  chunkBytes?: number
  /** Default: random. 32 hexadecimal characters. */
  id?: string
  /**
   * Default: random, 32 bytes. With one that was used before, under the same key and id, content and metadata must be
   * those of before to the last byte: then the sealed bytes are, too. Anything else under it tells what was sealed.
   */
  salt?: Uint8Array
}

/** Seals chunks in any order. */
export interface Sealer {
  header: SealedHeader
  /** The first bytes of the sealed file. */
  headerBytes: Uint8Array
  /** The bytes at `chunkRange(header, index)` of the sealed file. */
  sealChunk(index: number, plaintext: Uint8Array): Uint8Array
}

const DEFAULT_CHUNK_BYTES = 262_144

/** Prepares an artifact. @throws `SEALED_MALFORMED` for an id, salt, size or metadata that has no encoding */
export function createSealer(options: SealerOptions): Sealer {
  const { plaintextBytes, chunkBytes = DEFAULT_CHUNK_BYTES, metadata = '' } = options
  const { id = toHex(crypto.randomBytes(16)), salt = crypto.randomBytes(32) } = options
  requireBounds(chunkBytes, plaintextBytes)
  if (!/^[0-9a-f]{32}$/.test(id))
    throw sealedError('SEALED_MALFORMED', 'an artifact id is 32 hexadecimal characters')
  if (salt.length !== 32) throw sealedError('SEALED_MALFORMED', 'a salt has 32 bytes')
  const keys = deriveKeys(options.contentKey, salt, id)
  const fields = { id, chunkBytes, plaintextBytes, salt, commitment: keys.commitment }
  const fixed = encodeHeader(fields, sealedMetadataBytes(metadata))
  const headerBytes = concat(fixed, sealMetadata(keys, fixed, metadata))
  const header: SealedHeader = { ...fields, headerBytes: headerBytes.length }
  const cipher = new ChunkCipher(keys, header, headerBytes)
  return { header, headerBytes, sealChunk: (index, plaintext) => cipher.seal(index, plaintext) }
}
