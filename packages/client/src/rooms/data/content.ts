import { toBase64Url, toHex, utf8 } from '@sotto/protocol/bytes'
import type { Column, Contract, InputKind } from '@sotto/protocol/contract'
import { crypto } from '@sotto/protocol/crypto-backend'
import type { Digest } from '@sotto/protocol/keyrelease'
import {
  type DataManifest,
  type DataMedia,
  encodeDataManifest,
  MAX_DATA_ITEMS,
  MEDIA_OF,
  parseDataManifest,
} from '@sotto/protocol/room'
import { type ModelAbout, modelContent } from '../../models/content.ts'
import { type ModelOwner, sealingSecrets } from '../../models/owner.ts'
import type { OnBytes, SealableContent } from '../../models/seal.ts'
import { codeSource } from './code.ts'
import { itemSource } from './items.ts'
import { MAX_METADATA_BYTES } from './limits.ts'
import { type DataFiles, type DataSource, refused } from './source.ts'
import { tableSource } from './tables.ts'
import { textSource } from './texts.ts'

/** Data of a room whose manifest is known. What reading it throws is `ROOM_DATA_SOURCE`, of models also `MODEL_SOURCE`. */
export interface DataContent extends SealableContent {
  manifest: DataManifest
  /** Of the manifest: what a contract and its owner's statement call the content. */
  digest: Digest
}

/** What is known of an input besides its files. */
export interface DataOptions {
  /** Who owns it: nobody else can tell from its digest what it is. */
  party: ModelOwner
  /**
   * By its salt the same data has another digest in each contract. A draft is enough: a contract that names the digest of
   * its content is not there before.
   */
  contract: Pick<Contract, 'salt'>
  /** Of tables: how they are written. @default by the name of the file */
  media?: DataMedia
  /** Of tables, which have to have them: those of the contract. */
  columns?: readonly Column[]
  /** Of models without a `manifest.json`: what their manifest says. @default called `model`, and what its files say */
  model?: ModelAbout & { id?: string }
  /** Told of bytes of content that were hashed. */
  onBytes?: OnBytes
  signal?: AbortSignal
}

/** Changes whenever the same data would have another manifest. */
const SALTING = 'sotto-room-data-salt/1'

const SOURCES: Readonly<
  Record<InputKind, (files: DataFiles, options: DataOptions) => DataSource | Promise<DataSource>>
> = {
  table: tableSource,
  text: textSource,
  audio: (files, { signal }) => itemSource('audio', files, signal),
  image: (files, { signal }) => itemSource('image', files, signal),
  model: modelSource,
  code: (files, { media }) => codeSource(files, media),
}

/**
 * The content of these files: looked at as far as their kind can be told from the outside, and hashed. Nothing of it is
 * kept, and the files' names are nowhere in it.
 * @param files of tables and code one; otherwise in the order of their names
 * @throws `ROOM_DATA_SOURCE`, `MODEL_SOURCE`
 *
 * @example
 * const content = await dataContent('table', { 'accounts.csv': file }, { party, contract, columns: input.columns })
 */
export async function dataContent(
  kind: InputKind,
  files: DataFiles,
  options: DataOptions,
): Promise<DataContent> {
  const { media, party, contract } = options
  if (media !== undefined && !MEDIA_OF[kind].includes(media))
    throw refused(`${kind} is not written as ${media}`, { expected: MEDIA_OF[kind].join(', ') })
  const source = await SOURCES[kind](files, options)
  const about = {
    format: 'sotto-room-data/1' as const,
    kind,
    media: source.media,
    ...(source.model !== undefined && { model: source.model }),
  }
  requireFits({ ...about, ...PLACEHOLDERS })
  const unsalted = { ...about, ...(await measure(source, options)) }
  // Not random: added again under the same contract, the same data has the same digest, and is sealed to the same bytes.
  const { salt } = sealingSecrets(party, [SALTING, contract.salt, JSON.stringify(unsalted)])
  const metadata = encodeDataManifest({ ...unsalted, salt: toBase64Url(salt) })
  const { manifest, digest } = parseDataManifest(metadata)
  return {
    manifest,
    metadata,
    digest,
    bytes: manifest.bytes,
    read: (signal) => readSame(source, manifest, signal),
    changed,
  }
}

/** As long as they get. */
const PLACEHOLDERS = { salt: 'A'.repeat(43), items: MAX_DATA_ITEMS, bytes: 2 ** 42, sha256: '0'.repeat(64) }

/** Said before the whole is hashed: only manifests of models with many files are that long. */
function requireFits(manifest: DataManifest): void {
  const { length } = utf8(encodeDataManifest(manifest))
  if (length <= MAX_METADATA_BYTES) return
  throw refused('the manifest of the model is too long for a room', {
    expected: `at most ${MAX_METADATA_BYTES} bytes, with what is said about the data`,
    found: `${length}`,
    hint: 'Leave out files that the model does not need, or shorten its license and description.',
  })
}

async function measure(
  source: DataSource,
  { signal, onBytes }: DataOptions,
): Promise<Pick<DataManifest, 'items' | 'bytes' | 'sha256'>> {
  const hash = crypto.createHash('sha256')
  let bytes = 0
  let items = 0
  const onItem = (): void => {
    if (++items > MAX_DATA_ITEMS)
      throw refused('there are too many items', { expected: `at most ${MAX_DATA_ITEMS}` })
  }
  for await (const piece of source.read(signal, onItem)) {
    hash.update(piece)
    bytes += piece.length
    onBytes?.(piece.length)
  }
  if (items === 0) throw refused('there is nothing in it', { expected: 'at least one item' })
  return { items, bytes, sha256: toHex(hash.digest()) }
}

/** The content, the last piece only where all of it is what the manifest says. */
async function* readSame(
  source: DataSource,
  { bytes, sha256 }: DataManifest,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array> {
  const hash = crypto.createHash('sha256')
  let read = 0
  let held: Uint8Array | undefined
  for await (const piece of source.read(signal, () => {})) {
    read += piece.length
    if (read > bytes) throw changed()
    if (held !== undefined) yield held
    hash.update(piece)
    held = piece
  }
  if (read !== bytes || toHex(hash.digest()) !== sha256) throw changed()
  if (held !== undefined) yield held
}

function changed(): Error {
  return refused('the data changed after it was looked at', {
    hint: 'Add it again while nothing writes to it.',
  })
}

/** A model: its files one after the other, as its manifest says. */
async function modelSource(files: DataFiles, { model, signal }: DataOptions): Promise<DataSource> {
  const { id = 'model', ...about } = model ?? {}
  const content = await modelContent(files, id, about, signal)
  const { length } = content.manifest.files
  return {
    media: 'model',
    model: content.metadata,
    async *read(cancel, onItem) {
      for (let file = 0; file < length; file++) onItem()
      yield* content.read(cancel)
    },
  }
}
