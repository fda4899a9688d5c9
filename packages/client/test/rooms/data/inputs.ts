import { concat } from '@sotto/protocol/bytes'
import type { Column, InputKind, NamedContract } from '@sotto/protocol/contract'
import { encodeTarHeader } from '@sotto/protocol/tar'
import { parseDataManifest, type DataManifest, splitItems } from '@sotto/protocol/room'
import { openArtifact, type RangeReader } from '@sotto/protocol/sealed'
import { changedBy, named, summaries } from '../../../../protocol/test/contract/contracts.ts'
import {
  type DataContent,
  dataContent,
  type DataFiles,
  type DataOptions,
  roomParty,
  type RoomParty,
  type SealedData,
} from '../../../src/rooms/index.ts'

export const seed = (fill: number): Uint8Array => new Uint8Array(32).fill(fill)

/** Who owns the letters of {@link contractOf}. */
export const ARCHIVE: RoomParty = roomParty(seed(3))
export const COLUMNS: Column[] = [
  { name: 'customer', type: 'text' },
  { name: 'amount', type: 'integer' },
]

/** A contract whose input `letters`, of the archive, is of that kind. */
export function contractOf(kind: InputKind, content?: string): NamedContract {
  const { contract, digest } = named(summaries())
  const changed = changedBy(contract, ({ inputs }) => {
    inputs[0]!.kind = kind
    if (content !== undefined) inputs[0]!.content = content
  })
  return { contract: changed, digest }
}

/** A file of these bytes, or of this text. */
export function blob(...parts: (string | Uint8Array)[]): Blob {
  return new Blob(parts as BlobPart[])
}

export const latin1 = (text: string): Uint8Array => Uint8Array.from(text, (one) => one.charCodeAt(0))

/** Files of each kind that a room takes. */
export const FILES: Readonly<Record<InputKind, DataFiles>> = {
  table: { 'accounts.csv': blob('customer,amount\nada,12\n') },
  text: { 'b.txt': blob('second'), 'a.txt': blob('ä'), 'c.txt': blob('') },
  audio: { '2.wav': blob('RIFF....WAVEfmt 2'), '1.flac': blob('fLaC1') },
  image: { 'a.png': blob(latin1('\x89PNG\r\n\x1a\npixels')), 'b.webp': blob('RIFF....WEBPVP8 ') },
  model: { 'net.onnx': blob('weights'), 'tokenizer.json': blob('{}') },
  code: { 'module.wasm': blob('\0asm\x01\0\0\0', 'code') },
}

/** The beginning of an archive, as an OCI image has it. */
export const TAR: Uint8Array = encodeTarHeader({ path: 'index.json', mode: 0o644, size: 0 })

export function contentOf(
  kind: InputKind,
  files: DataFiles = FILES[kind],
  change: Partial<DataOptions> = {},
): Promise<DataContent> {
  const { contract } = contractOf(kind)
  return dataContent(kind, files, { party: ARCHIVE, contract, columns: COLUMNS, ...change })
}

export async function all(pieces: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  return concat(...(await Array.fromAsync(pieces)))
}

export const rangesOf =
  (file: Uint8Array): RangeReader =>
  async (start, length) =>
    file.subarray(start, start + length)

/** What a room finds in sealed data. */
export async function openData(
  sealed: SealedData,
  party: RoomParty = ARCHIVE,
): Promise<{ manifest: DataManifest; digest: string; content: Uint8Array }> {
  const file = await all(sealed.read(0))
  const opened = await openArtifact(rangesOf(file), party.contentKey(sealed.id), sealed.id)
  return { ...parseDataManifest(opened.metadata), content: await all(opened.content) }
}

/** The items of content, as text of one character for each byte. */
export async function itemsOf({ items }: DataManifest, content: Uint8Array): Promise<string[]> {
  const found = await Array.fromAsync(
    splitItems(
      (async function* () {
        yield content
      })(),
      items,
    ),
  )
  return found.map((item) => String.fromCharCode(...item))
}

/** A file that is another one each time it is read. */
export function changing(...versions: (string | Uint8Array)[]): Blob {
  const [first] = versions
  const one = blob(first!)
  let reads = 0
  one.stream = () => blob(versions[Math.min(reads++, versions.length - 1)]!).stream()
  return one
}
