import { createHash } from 'node:crypto'
import { concat, toBase64Url, toHex, utf8 } from '@sotto/protocol/bytes'
import type { InputKind } from '@sotto/protocol/contract'
import { crypto } from '@sotto/protocol/crypto-backend'
import { documentDigest } from '@sotto/protocol/keyrelease'
import { type DataManifest, type DataMedia, encodeDataManifest, itemHeader } from '@sotto/protocol/room'
import { sealArtifact } from '@sotto/protocol/sealed'

/** A sealed input, as an owner's program makes it. */
export interface SealedData {
  id: string
  contentKey: Uint8Array
  /** Of the manifest. */
  content: string
  /** Of the sealed file. */
  digest: string
  file: Uint8Array
  manifest: DataManifest
}

/** Content of items, each with its length before it. */
export function itemsOf(texts: readonly (string | Uint8Array)[]): Uint8Array {
  const items = texts.map((text) => (typeof text === 'string' ? utf8(text) : text))
  return concat(...items.flatMap((item) => [itemHeader(item.length), item]))
}

/** Seals content. @param change of the manifest: what it says instead of the truth */
export async function sealed(
  kind: InputKind,
  media: DataMedia,
  content: Uint8Array,
  change: Partial<DataManifest> = {},
): Promise<SealedData> {
  const manifest: DataManifest = {
    format: 'sotto-room-data/1',
    salt: toBase64Url(crypto.randomBytes(32)),
    kind,
    media,
    items: 1,
    bytes: content.length,
    sha256: createHash('sha256').update(content).digest('hex'),
    ...change,
  }
  const contentKey = crypto.randomBytes(32)
  const metadata = encodeDataManifest(manifest)
  const { id, sealed: pieces } = sealArtifact({
    contentKey,
    plaintextBytes: content.length,
    metadata,
    chunkBytes: 65_536,
    id: toHex(crypto.randomBytes(16)),
    source: [content],
  })
  const file = Buffer.concat(await Array.fromAsync(pieces))
  return {
    id,
    contentKey,
    content: documentDigest(utf8(metadata)),
    digest: createHash('sha256').update(file).digest('hex'),
    file,
    manifest,
  }
}
