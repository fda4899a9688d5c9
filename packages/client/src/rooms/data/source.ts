import type { SottoError, SottoErrorOptions } from '@sotto/protocol/errors'
import type { DataMedia } from '@sotto/protocol/room'
import { type ClientErrorCode, clientError } from '../../errors.ts'
import type { ModelFiles } from '../../models/content.ts'
import { chunksOf } from '../../streams.ts'

/** Files of an input by name. A `Blob` is read piece by piece, as often as needed (`fs.openAsBlob` makes one of a file). */
export type DataFiles = ModelFiles

/** Files that were looked at: they are what their kind of input is made of. */
export interface DataSource {
  media: DataMedia
  /** Of models: JSON of the manifest. */
  model?: string
  /**
   * The content as it is sealed, from the first byte: the same each time, while the files are.
   * @param onItem called once for each item, before its bytes
   * @throws `ROOM_DATA_SOURCE`; of models `MODEL_SOURCE`
   */
  read(signal: AbortSignal | undefined, onItem: () => void): AsyncGenerator<Uint8Array>
}

/** The files in the order in which they are sealed, which no file system chooses: that of the UTF-16 units of their names. */
export function inOrder(files: DataFiles): [name: string, file: Blob][] {
  return Object.entries(files).sort(([a], [b]) => (a < b ? -1 : 1))
}

/** The one file. @throws `ROOM_DATA_SOURCE` */
export function onlyFile(files: DataFiles, what: string): [name: string, file: Blob] {
  const all = Object.entries(files)
  if (all.length === 1) return all[0]!
  throw refused(`${what} is one file`, { expected: '1 file', found: `${all.length}` })
}

/** What is sealed as it is. */
export function wholeFile(media: DataMedia, name: string, file: Blob): DataSource {
  return {
    media,
    async *read(signal, onItem) {
      onItem()
      yield* piecesOf(name, file, signal)
    },
  }
}

/** A file piece by piece, exactly as long as it says. @throws `ROOM_DATA_SOURCE` */
export async function* piecesOf(
  name: string,
  file: Blob,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array> {
  let read = 0
  try {
    for await (const piece of chunksOf(file.stream())) {
      signal?.throwIfAborted()
      read += piece.length
      if (read > file.size) break
      yield piece
    }
  } catch (cause) {
    signal?.throwIfAborted()
    throw unreadable(name, { cause })
  }
  if (read !== file.size) throw unreadable(name)
}

/** Bytes `start` to `end` of a file, as many of them as it has. @throws `ROOM_DATA_SOURCE` */
export async function partOf(name: string, file: Blob, start: number, end?: number): Promise<Uint8Array> {
  try {
    return new Uint8Array(await file.slice(start, end).arrayBuffer())
  } catch (cause) {
    throw unreadable(name, { cause })
  }
}

/** Whether `magic`, one character for each byte, stands at `offset`. */
export function hasMagic(bytes: Uint8Array, offset: number, magic: string): boolean {
  return String.fromCharCode(...bytes.subarray(offset, offset + magic.length)) === magic
}

function unreadable(name: string, options: SottoErrorOptions = {}): Error {
  return refused(`${name} cannot be read, or changed while it was read`, options)
}

/** A {@link SottoError} about what was to be sealed: it names files, lines and columns, and never what is in them. */
export function refused(message: string, options: SottoErrorOptions = {}): SottoError<ClientErrorCode> {
  return clientError('ROOM_DATA_SOURCE', message, options)
}
