import { toHex } from '@sotto/protocol/bytes'
import { crypto } from '@sotto/protocol/crypto-backend'
import {
  chunkCount,
  chunkRange,
  createSealer,
  FIXED_HEADER_BYTES,
  openHeader,
  parseHeader,
  sealedBytes,
  type SealedHeader,
  type Sealer,
} from '@sotto/protocol/sealed'
import { type ModelManifest, parseModelManifest } from '@sotto/protocol/model-manifest'
import { clientError } from '../errors.ts'
import { chunksOf } from '../streams.ts'
import { source } from './content.ts'
import type { ModelOwner } from './owner.ts'

/** What is sealed: a model, or data of a room. */
export interface SealableContent {
  /** Sealed with it. It names the content by digests, so that it is of no other. */
  metadata: string
  bytes: number
  /** All of it from the first byte, each time. @throws the content's own code where it is not what the metadata names */
  read(signal?: AbortSignal): AsyncGenerator<Uint8Array>
  /** What is thrown where it was something else when it was read again. */
  changed(): Error
}

/** Sealed content that can be read from any byte on, as often as an upload needs. */
export interface SealedContent {
  /** Artifact id. */
  id: string
  /** Of the sealed file. */
  bytes: number
  /** SHA-256 of the sealed file, hexadecimal. */
  digest: string
  /** Bytes `from` to the end. @throws where they are not what the digest was made of: the code of the content */
  read(from: number): AsyncGenerator<Uint8Array>
}

/** A sealed model. What reading it throws is `MODEL_SOURCE`. */
export interface SealedModel extends SealedContent {
  manifest: ModelManifest
}

/** Told how many bytes were read, hashed or sealed since it was last told. */
export type OnBytes = (bytes: number) => void

/** How content is sealed. */
export interface SealingOptions {
  id?: string
  salt?: Uint8Array
  signal?: AbortSignal
  onBytes?: OnBytes
}

/** Content of each chunk but the last. */
export const SEALED_CHUNK_BYTES = 262_144

/** Prepares the sealing of a model, or of other content, under a content key of its owner. */
export function modelSealer(
  { bytes: plaintextBytes, metadata }: Pick<SealableContent, 'bytes' | 'metadata'>,
  owner: Pick<ModelOwner, 'contentKey'>,
  options: SealingOptions = {},
): Sealer {
  const { id = toHex(crypto.randomBytes(16)), salt } = options
  const contentKey = owner.contentKey(id)
  try {
    return createSealer({
      contentKey,
      plaintextBytes,
      metadata,
      chunkBytes: SEALED_CHUNK_BYTES,
      id,
      ...(salt && { salt }),
    })
  } finally {
    contentKey.fill(0)
  }
}

/**
 * The sealed chunks of content from chunk `first` on. All of the content is read and compared with its manifest, also
 * what comes before.
 * @throws what reading the content throws
 */
export async function* sealedChunks(
  sealer: Sealer,
  content: Pick<SealableContent, 'read'>,
  first = 0,
  { signal, onBytes }: SealingOptions = {},
): AsyncGenerator<Uint8Array> {
  const { header } = sealer
  let index = 0
  for await (const chunk of chunksOfSize(content.read(signal), header)) {
    onBytes?.(chunk.length)
    if (index >= first) yield sealer.sealChunk(index, chunk)
    index++
  }
}

/**
 * Seals content twice without keeping it: first to learn its digest, then on its way out. Id and salt must belong to
 * exactly this content, see `sealingSecrets`. A chunk leaves only if it is what it was the first time: under the same
 * key and counter, other bytes would tell about both.
 * @throws what reading the content throws
 */
export async function sealOnTheWay(
  content: SealableContent,
  owner: Pick<ModelOwner, 'contentKey'>,
  options: SealingOptions & { id: string; salt: Uint8Array },
): Promise<SealedContent> {
  const sealer = modelSealer(content, owner, options)
  const { header, headerBytes } = sealer
  const hash = crypto.createHash('sha256')
  hash.update(headerBytes)
  const tags: Uint8Array[] = []
  for await (const chunk of sealedChunks(sealer, content, 0, options)) {
    hash.update(chunk)
    tags.push(chunk.slice(-TAG_BYTES))
  }
  async function* read(from: number): AsyncGenerator<Uint8Array> {
    if (from < headerBytes.length) yield headerBytes.subarray(from)
    const first = chunkAt(header, from)
    let index = first
    for await (const chunk of sealedChunks(sealer, content, first, {
      ...(options.signal && { signal: options.signal }),
    })) {
      const tag = tags[index]!
      if (!chunk.slice(-TAG_BYTES).every((byte, at) => byte === tag[at])) throw content.changed()
      const { start } = chunkRange(header, index++)
      yield from > start ? chunk.subarray(from - start) : chunk
    }
  }
  return {
    id: header.id,
    bytes: sealedBytes(header),
    digest: toHex(hash.digest()),
    read,
  }
}

/**
 * Opens a sealed file of this owner, so far as to know what is in it, and hashes it.
 * @throws `MODEL_OWNER` sealed by another owner; `SEALED_MALFORMED`, `SEALED_TAMPERED`, `MODEL_MANIFEST`
 */
export async function openSealed(
  file: Blob,
  owner: ModelOwner,
  { signal, onBytes }: SealingOptions = {},
): Promise<SealedModel> {
  const fixed = parseHeader(new Uint8Array(await file.slice(0, FIXED_HEADER_BYTES).arrayBuffer()))
  const { header, metadata } = openOwn(
    new Uint8Array(await file.slice(0, fixed.headerBytes).arrayBuffer()),
    owner,
  )
  if (file.size !== sealedBytes(header))
    throw source('the sealed file is not as long as its header says', {
      expected: `${sealedBytes(header)} bytes`,
      found: `${file.size}`,
    })
  const hash = crypto.createHash('sha256')
  for await (const chunk of chunksOf(file.stream())) {
    signal?.throwIfAborted()
    hash.update(chunk)
    onBytes?.(chunk.length)
  }
  return {
    id: header.id,
    manifest: parseModelManifest(metadata),
    bytes: file.size,
    digest: toHex(hash.digest()),
    read: (from) => chunksOf(file.slice(from).stream()),
  }
}

/** Header and metadata of a sealed model of this owner. @throws `MODEL_OWNER`, `SEALED_MALFORMED`, `SEALED_TAMPERED` */
export function openOwn(
  headerBytes: Uint8Array,
  owner: ModelOwner,
): { header: SealedHeader; metadata: string } {
  const { id } = parseHeader(headerBytes)
  try {
    return openHeader(headerBytes, owner.contentKey(id))
  } catch (cause) {
    if ((cause as { code?: string }).code !== 'SEALED_KEY') throw cause
    throw clientError('MODEL_OWNER', 'another owner sealed this model', { cause, found: `artifact ${id}` })
  }
}

const TAG_BYTES = 16

/** Index of the chunk that byte `at` of the sealed file lies in; of its end, the last one. */
export function chunkAt(header: SealedHeader, at: number): number {
  const index = Math.floor((at - header.headerBytes) / (header.chunkBytes + TAG_BYTES))
  return Math.min(Math.max(index, 0), chunkCount(header) - 1)
}

/** Cuts content into chunks as a header says; empty content has one empty chunk. */
async function* chunksOfSize(
  parts: AsyncIterable<Uint8Array>,
  { chunkBytes, plaintextBytes }: SealedHeader,
): AsyncGenerator<Uint8Array> {
  let chunk = new Uint8Array(Math.min(chunkBytes, plaintextBytes))
  let filled = 0
  let done = 0
  for await (const part of parts) {
    for (let at = 0; at < part.length;) {
      const taken = Math.min(part.length - at, chunk.length - filled)
      chunk.set(part.subarray(at, at + taken), filled)
      at += taken
      filled += taken
      if (filled < chunk.length) continue
      yield chunk
      done += filled
      filled = 0
      chunk = new Uint8Array(Math.min(chunkBytes, plaintextBytes - done))
    }
  }
  if (plaintextBytes === 0) yield chunk
}
