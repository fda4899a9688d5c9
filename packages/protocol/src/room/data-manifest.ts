/**
 * What is inside a sealed input of a room: metadata of the sealed file. Its digest, with the salt in it, is what a
 * `DataStatement` calls the content; whoever has only that can guess nothing.
 */
import { fromUtf8, utf8 } from '../bytes/index.ts'
import type { InputKind } from '../contract/index.ts'
import {
  base64url,
  type Decoder,
  hex,
  integer,
  literal,
  members,
  oneOf,
  parseCanonicalJson,
  canonicalJson,
  refine,
  text,
} from '../jcs/index.ts'
import { type Digest, documentDigest } from '../keyrelease/index.ts'
import { MAX_MANIFEST_BYTES } from '../model-manifest/index.ts'
import { roomError } from './errors.ts'

/** How the content of an input is written. */
export const DATA_MEDIA = [
  'csv',
  'jsonl',
  'parquet',
  'text',
  'audio',
  'image',
  'model',
  'wasm',
  'oci',
] as const
export type DataMedia = (typeof DATA_MEDIA)[number]

/** Which kinds of input come in which form. */
export const MEDIA_OF: { readonly [Kind in InputKind]: readonly DataMedia[] } = {
  table: ['csv', 'jsonl', 'parquet'],
  text: ['text'],
  audio: ['audio'],
  image: ['image'],
  model: ['model'],
  code: ['wasm', 'oci'],
}

/** Items of texts, recordings or images. */
export const MAX_DATA_ITEMS = 1_000_000
/** Bytes of one of them. */
export const MAX_ITEM_BYTES: number = 2 ** 30
const MAX_CONTENT_BYTES = 2 ** 42

/**
 * Metadata of a sealed input. Tables and code are one file. Texts, recordings and images are items, each with its length
 * before it (four bytes, most significant first). A model is its files, one after the other, as its own manifest says.
 */
export interface DataManifest {
  format: 'sotto-room-data/1'
  /** 32 bytes that nobody can guess, base64url. */
  salt: string
  kind: InputKind
  media: DataMedia
  /** Items; 1 for what is one file; files of a model. */
  items: number
  /** Of the content. */
  bytes: number
  /** Of the content. */
  sha256: Digest
  /** Of models: JSON of its `ModelManifest`. */
  model?: string
}

const dataManifestDecoder: Decoder<DataManifest> = refine(
  members<DataManifest>(
    {
      format: literal('sotto-room-data/1'),
      salt: base64url(32),
      kind: oneOf('table', 'text', 'audio', 'image', 'model', 'code'),
      media: oneOf(...DATA_MEDIA),
      items: integer(1, MAX_DATA_ITEMS),
      bytes: integer(0, MAX_CONTENT_BYTES),
      sha256: hex(32),
    },
    { model: text(MAX_MANIFEST_BYTES) },
  ),
  ({ kind, media, items, model }) => {
    if (!MEDIA_OF[kind].includes(media)) return `${kind} is not written as ${media}`
    if ((kind === 'table' || kind === 'code') && items !== 1) return `${kind} is one file`
    return (kind === 'model') === (model !== undefined)
      ? undefined
      : 'manifests are of models, which have one'
  },
)

/** The manifest as it is sealed. */
export function encodeDataManifest(manifest: DataManifest): string {
  return fromUtf8(canonicalJson(manifest))
}

/** Metadata of a sealed file from anywhere. @throws `ROOM_DATA` */
export function parseDataManifest(metadata: string): { manifest: DataManifest; digest: Digest } {
  const bytes = utf8(metadata)
  try {
    const manifest = dataManifestDecoder(parseCanonicalJson(bytes, { maxBytes: MAX_METADATA }), 'manifest')
    return { manifest, digest: documentDigest(bytes) }
  } catch (cause) {
    throw roomError('ROOM_DATA', 'what was sealed is no data of a room', { cause })
  }
}

/** As much as a sealed file takes. */
const MAX_METADATA = 16_384

const LENGTH_BYTES = 4

/** What stands before an item of `bytes`. */
export function itemHeader(bytes: number): Uint8Array {
  const header = new Uint8Array(LENGTH_BYTES)
  new DataView(header.buffer).setUint32(0, bytes)
  return header
}

/**
 * The items of content that comes in any pieces.
 * @param items as the manifest says: no more and no fewer
 * @param maxItemBytes what one may have; at most {@link MAX_ITEM_BYTES}
 * @throws `ROOM_DATA`
 */
export async function* splitItems(
  content: AsyncIterable<Uint8Array>,
  items: number,
  maxItemBytes: number = MAX_ITEM_BYTES,
): AsyncGenerator<Uint8Array> {
  const header = new Uint8Array(LENGTH_BYTES)
  let headerFilled = 0
  let item: Uint8Array | undefined
  let filled = 0
  let found = 0
  for await (const piece of content) {
    for (let at = 0; at < piece.length;) {
      if (item === undefined) {
        const taken = Math.min(LENGTH_BYTES - headerFilled, piece.length - at)
        header.set(piece.subarray(at, at + taken), headerFilled)
        headerFilled += taken
        at += taken
        if (headerFilled < LENGTH_BYTES) continue
        const bytes = new DataView(header.buffer).getUint32(0)
        if (found === items || bytes > maxItemBytes)
          throw roomError('ROOM_DATA', 'the content is not the items that its manifest states', {
            expected: `${items} of at most ${maxItemBytes} bytes`,
          })
        item = new Uint8Array(bytes)
        filled = 0
        headerFilled = 0
      } else {
        const taken = Math.min(item.length - filled, piece.length - at)
        item.set(piece.subarray(at, at + taken), filled)
        filled += taken
        at += taken
      }
      if (item !== undefined && filled === item.length) {
        found++
        yield item
        item = undefined
      }
    }
  }
  if (item !== undefined || headerFilled > 0 || found !== items)
    throw roomError('ROOM_DATA', 'the content ends before its items do', {
      expected: `${items} items`,
      found: `${found}`,
    })
}
