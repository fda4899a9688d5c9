import { equalBytes } from '../bytes/index.ts'
import { ChunkCipher, chunkCount, chunkRange } from './chunks.ts'
import {
  deriveKeys,
  FIXED_HEADER_BYTES,
  openMetadata,
  parseHeader,
  sealedError,
  type SealedHeader,
} from './header.ts'
import { createSealer, type SealerOptions } from './sealer.ts'

/** What to seal. */
export interface SealOptions extends SealerOptions {
  source: AsyncIterable<Uint8Array> | Iterable<Uint8Array>
}

/**
 * Seals a stream: header first, then one buffer per chunk. Holds one chunk at a time.
 * @throws `SEALED_SIZE` when the source is shorter or longer than stated; `SEALED_MALFORMED` for an
 * id, size or metadata that has no encoding
 */
export function sealArtifact(options: SealOptions): { id: string; sealed: AsyncGenerator<Uint8Array> } {
  const { header, headerBytes, sealChunk } = createSealer(options)
  async function* seal(): AsyncGenerator<Uint8Array> {
    yield headerBytes
    let index = 0
    for await (const chunk of rechunk(options.source, header)) yield sealChunk(index++, chunk)
  }
  return { id: header.id, sealed: seal() }
}

/** An opened header: proves that the content key is this artifact's, and gives access to its chunks. */
export interface OpenedArtifact {
  header: SealedHeader
  metadata: string
  /**
   * Plaintext of chunk `index` from the bytes at `chunkRange(header, index)`. Chunks open beside each other, each on another
   * core where there is one.
   * @throws `SEALED_TAMPERED`
   */
  openChunk(index: number, sealed: Uint8Array): Promise<Uint8Array>
}

/**
 * Opens the header (`headerBytes` of {@link parseHeader}) with a content key.
 * @throws `SEALED_MALFORMED`, `SEALED_KEY`, `SEALED_TAMPERED`
 */
export function openHeader(headerBytes: Uint8Array, contentKey: Uint8Array): OpenedArtifact {
  const header = parseHeader(headerBytes)
  if (headerBytes.length !== header.headerBytes)
    throw sealedError('SEALED_MALFORMED', 'header is cut or has more than a header')
  const keys = deriveKeys(contentKey, header.salt, header.id)
  if (!equalBytes(keys.commitment, header.commitment))
    throw sealedError('SEALED_KEY', 'the content key is not of this artifact')
  const metadata = openMetadata(keys, headerBytes)
  const cipher = new ChunkCipher(keys, header, headerBytes)
  return { header, metadata, openChunk: (index, sealed) => cipher.open(index, sealed) }
}

/** Reads `length` bytes at `start` of a sealed file whose keeper is not trusted. */
export type RangeReader = (start: number, length: number) => Promise<Uint8Array>

/** Chunks that are decrypted while the reader works on an earlier one. */
const CHUNKS_AHEAD = 4

/**
 * Opens a whole artifact through range reads, one after the other; chunks come in order, some of them decrypted ahead.
 *
 * @param expectedId the artifact that was asked for: an owner may have used one content key twice
 * @throws `SEALED_MALFORMED`, `SEALED_KEY`, `SEALED_TAMPERED`
 */
export async function openArtifact(
  read: RangeReader,
  contentKey: Uint8Array,
  expectedId?: string,
): Promise<OpenedArtifact & { content: AsyncGenerator<Uint8Array> }> {
  const { headerBytes } = parseHeader(await read(0, FIXED_HEADER_BYTES))
  const opened = openHeader(await read(0, headerBytes), contentKey)
  if (expectedId !== undefined && opened.header.id !== expectedId)
    throw sealedError('SEALED_TAMPERED', 'this is another artifact')
  async function* content(): AsyncGenerator<Uint8Array> {
    const ahead: Promise<Uint8Array>[] = []
    for (let index = 0; index < chunkCount(opened.header); index++) {
      const { start, length } = chunkRange(opened.header, index)
      const sealed = await read(start, length)
      if (sealed.length !== length) throw sealedError('SEALED_TAMPERED', 'artifact is cut short')
      const chunk = opened.openChunk(index, sealed)
      // Thrown where it is taken, if anybody takes it.
      chunk.catch(() => undefined)
      ahead.push(chunk)
      if (ahead.length > CHUNKS_AHEAD) yield await ahead.shift()!
    }
    for (const chunk of ahead) yield await chunk
  }
  return { ...opened, content: content() }
}

async function* rechunk(
  source: SealOptions['source'],
  { chunkBytes, plaintextBytes }: SealedHeader,
): AsyncGenerator<Uint8Array> {
  let pending = new Uint8Array(Math.min(chunkBytes, plaintextBytes))
  let filled = 0
  let total = 0
  for await (const part of source) {
    total += part.length
    if (total > plaintextBytes)
      throw sealedError('SEALED_SIZE', `source is longer than the stated ${plaintextBytes} bytes`)
    for (let offset = 0; offset < part.length;) {
      const taken = Math.min(part.length - offset, pending.length - filled)
      pending.set(part.subarray(offset, offset + taken), filled)
      offset += taken
      filled += taken
      if (filled === pending.length) {
        yield pending
        const done = total - (part.length - offset)
        pending = new Uint8Array(Math.min(chunkBytes, plaintextBytes - done))
        filled = 0
      }
    }
  }
  if (total < plaintextBytes)
    throw sealedError('SEALED_SIZE', `source is shorter than the stated ${plaintextBytes} bytes`)
  if (plaintextBytes === 0) yield pending
}
