import { ByteReader, concat, equalBytes, fromHex, fromUtf8, toHex, uint, utf8 } from '../bytes/index.ts'
import { crypto, type AeadKey } from '../crypto-backend/index.ts'
import { SottoError } from '../errors/index.ts'

/**
 * Codes of {@link SottoError} thrown here.
 * - `SEALED_MALFORMED` (fix-input): not a sealed artifact, or out of bounds.
 * - `SEALED_KEY` (stop): the content key is not this artifact's.
 * - `SEALED_TAMPERED` (stop): a chunk is altered, moved, repeated, missing or of another artifact.
 * - `SEALED_SIZE` (fix-input): what was to be sealed is not as long as stated.
 */
export type SealedErrorCode = 'SEALED_MALFORMED' | 'SEALED_KEY' | 'SEALED_TAMPERED' | 'SEALED_SIZE'

const MAGIC = utf8('SOTTOSL1')
/** The one suite: HKDF-SHA256 and AES-256-GCM in the STREAM construction. */
const SUITE = 1
const TAG_BYTES = 16
export const MIN_CHUNK_BYTES = 65_536
export const MAX_CHUNK_BYTES = 1_048_576
/** 4 TiB: past any model, and far from the 2^32 chunks a nonce can count. */
const MAX_PLAINTEXT_BYTES = 2 ** 42
const MAX_METADATA_BYTES = 16_384
/** Everything before the sealed metadata. */
export const FIXED_HEADER_BYTES: number = 8 + 1 + 4 + 6 + 16 + 32 + 32 + 4

/** What the fixed header says in clear: sizes and a random name, nothing about the content. */
export interface SealedHeader {
  /** Random artifact identifier, 32 hexadecimal characters. */
  id: string
  /** Plaintext bytes per chunk; only the last may be shorter. */
  chunkBytes: number
  plaintextBytes: number
  /** Salt of the key derivation, 32 bytes. */
  salt: Uint8Array
  /** Commits to the content key: one ciphertext cannot open under two keys. */
  commitment: Uint8Array
  /** Bytes of header and sealed metadata together: where the first chunk begins. */
  headerBytes: number
}

/** What a content key opens. */
export interface ArtifactKeys {
  chunk: AeadKey
  metadata: AeadKey
  commitment: Uint8Array
}

/** Keys of one artifact, derived from its content key (32 bytes), salt and id. */
export function deriveKeys(contentKey: Uint8Array, salt: Uint8Array, id: string): ArtifactKeys {
  if (contentKey.length !== 32) throw sealedError('SEALED_KEY', 'a content key has 32 bytes')
  const secret = crypto.hkdfExtract('sha256', salt, contentKey)
  const derive = (label: string): Uint8Array =>
    crypto.hkdfExpand('sha256', secret, concat(utf8(`sotto-sealed-v1 ${label}\0`), fromHex(id)), 32)
  return {
    chunk: crypto.aead('aes-256-gcm', derive('chunk')),
    metadata: crypto.aead('aes-256-gcm', derive('metadata')),
    commitment: derive('commitment'),
  }
}

/** Bytes of the fixed header. */
export function encodeHeader(header: Omit<SealedHeader, 'headerBytes'>, metadataBytes: number): Uint8Array {
  return concat(
    MAGIC,
    uint(SUITE, 1),
    uint(header.chunkBytes, 4),
    uint(header.plaintextBytes, 6),
    fromHex(header.id),
    header.salt,
    header.commitment,
    uint(metadataBytes, 4),
  )
}

/**
 * Structure of the first {@link FIXED_HEADER_BYTES} of an artifact anybody may have written.
 * @throws `SEALED_MALFORMED`
 */
export function parseHeader(bytes: Uint8Array): SealedHeader {
  if (bytes.length < FIXED_HEADER_BYTES)
    throw sealedError('SEALED_MALFORMED', 'artifact ends before its header does')
  const reader = new ByteReader(bytes.subarray(0, FIXED_HEADER_BYTES))
  if (!equalBytes(reader.take(8), MAGIC))
    throw sealedError('SEALED_MALFORMED', 'this is not a sealed artifact')
  if (reader.uint(1) !== SUITE) throw sealedError('SEALED_MALFORMED', 'artifact uses an unknown suite')
  const chunkBytes = reader.uint(4)
  const plaintextBytes = reader.uint(6)
  const id = toHex(reader.take(16))
  const salt = reader.take(32)
  const commitment = reader.take(32)
  const metadataBytes = reader.uint(4)
  requireBounds(chunkBytes, plaintextBytes)
  if (metadataBytes < TAG_BYTES || metadataBytes > MAX_METADATA_BYTES + TAG_BYTES)
    throw sealedError('SEALED_MALFORMED', 'metadata length is out of bounds')
  return { id, chunkBytes, plaintextBytes, salt, commitment, headerBytes: FIXED_HEADER_BYTES + metadataBytes }
}

/** Bounds of sizes, for writers and readers alike. */
export function requireBounds(chunkBytes: number, plaintextBytes: number): void {
  if (!Number.isInteger(chunkBytes) || chunkBytes < MIN_CHUNK_BYTES || chunkBytes > MAX_CHUNK_BYTES)
    throw sealedError('SEALED_MALFORMED', 'chunk size is out of bounds')
  if (!Number.isSafeInteger(plaintextBytes) || plaintextBytes < 0 || plaintextBytes > MAX_PLAINTEXT_BYTES)
    throw sealedError('SEALED_MALFORMED', 'size is out of bounds')
}

const METADATA_NONCE = new Uint8Array(12)

/** Length of the sealed metadata, which the header states before it is sealed under that header. */
export function sealedMetadataBytes(metadata: string): number {
  return utf8(metadata).length + TAG_BYTES
}

/** Metadata is text for people and programs (a name, a media type), sealed because it tells about the content. */
export function sealMetadata(keys: ArtifactKeys, fixedHeader: Uint8Array, metadata: string): Uint8Array {
  const bytes = utf8(metadata)
  if (bytes.length > MAX_METADATA_BYTES) throw sealedError('SEALED_MALFORMED', 'metadata is too long')
  return keys.metadata.seal(METADATA_NONCE, fixedHeader, bytes)
}

/** @throws `SEALED_TAMPERED` */
export function openMetadata(keys: ArtifactKeys, header: Uint8Array): string {
  try {
    return fromUtf8(
      keys.metadata.open(
        METADATA_NONCE,
        header.subarray(0, FIXED_HEADER_BYTES),
        header.subarray(FIXED_HEADER_BYTES),
      ),
    )
  } catch (cause) {
    throw sealedError('SEALED_TAMPERED', 'artifact header was altered', cause)
  }
}

/** A {@link SottoError} about an artifact. */
export function sealedError(
  code: SealedErrorCode,
  message: string,
  cause?: unknown,
): SottoError<SealedErrorCode> {
  return new SottoError<SealedErrorCode>(
    code,
    code === 'SEALED_MALFORMED' || code === 'SEALED_SIZE' ? 'fix-input' : 'stop',
    message,
    { cause },
  )
}
