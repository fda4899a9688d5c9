import { toHex } from '@sotto/protocol/bytes'
import { crypto } from '@sotto/protocol/crypto-backend'
import { encodeDocument } from '@sotto/protocol/keyrelease'
import { type BoardFile, boardFileDecoder, MAX_BOARD_PART_BYTES } from '@sotto/protocol/room'
import type { RangeReader } from '@sotto/protocol/sealed'
import { clientError } from '../../errors.ts'
import { resumeUpload, type UploadSource } from '../../uploads/index.ts'
import type { BoardApi } from './api.ts'
import { type Retries, retrying } from './retry.ts'

/** A sealed file: whoever keeps it reads nothing of it. */
export interface SealedFile extends UploadSource {
  /** SHA-256 of all of it, hexadecimal. */
  readonly digest: string
}

/** How a sealed file travels to a board or from it. */
export interface TransferOptions extends Retries {
  /** Bytes of one request. @default 8 MiB, at most 32 MiB */
  partBytes?: number | undefined
  /** Told of bytes that have arrived, and once of those that were there before. */
  onBytes?: ((bytes: number) => void) | undefined
}

const DEFAULT_PART_BYTES = 8 * 1024 * 1024
const STATE = { decoder: boardFileDecoder, maxBytes: 4096 }

/**
 * Brings a sealed file to the board, from wherever an earlier upload of the same file ended.
 * @throws `ROOM_REFUSED`, `ROOM_UNAVAILABLE`, `ROOM_BOARD`; what `fetch` throws for good
 */
export async function uploadSealed(
  api: BoardApi,
  file: SealedFile,
  { signal, onBytes, pauseMs, partBytes }: TransferOptions,
): Promise<void> {
  const { digest, bytes } = file
  const body = encodeDocument({ digest, bytes })
  await resumeUpload<BoardFile>(
    {
      begin: async () => ofThis(await api.call('POST', '/files', STATE, { body, signal }), file),
      append: async ({ offset }, part) =>
        ofThis(
          await api.call('PATCH', `/files/${digest}`, STATE, {
            body: part,
            type: 'application/octet-stream',
            headers: { 'upload-offset': String(offset) },
            signal,
          }),
          file,
        ),
      isPassing: ({ found }) => PASSING[found ?? ''],
      stalled: () => clientError('ROOM_UNAVAILABLE', 'the board takes no more of the file'),
    },
    file,
    { partBytes: partSize(partBytes), onBytes, signal, pauseMs },
  )
}

/**
 * What passes once the upload is begun again. Another upload of the same file may be ahead: then there is nothing to wait
 * for. One that rested too long is not there any more.
 */
const PASSING: Readonly<Record<string, 'now' | 'later'>> = {
  __proto__: null as never,
  BOARD_OFFSET: 'now',
  BOARD_FILE_UNKNOWN: 'later',
}

/**
 * The bytes of a file, in order. The last part is held back until all of them are known to be what the digest names: who
 * gets a whole file gets the right one.
 * @throws `ROOM_BOARD` for another file; `ROOM_REFUSED`, `ROOM_UNAVAILABLE`, what `fetch` throws for good
 */
export async function* downloadSealed(
  api: BoardApi,
  { digest, bytes }: Pick<SealedFile, 'digest' | 'bytes'>,
  { partBytes, onBytes, ...retries }: TransferOptions,
): AsyncGenerator<Uint8Array> {
  const hash = crypto.createHash('sha256')
  const size = partSize(partBytes)
  for (let at = 0; at < bytes; at += size) {
    const length = Math.min(size, bytes - at)
    const part = await retrying(() => api.range(`/files/${digest}`, at, length, retries.signal), retries)
    hash.update(part)
    onBytes?.(length)
    if (at + length === bytes && toHex(hash.digest()) !== digest)
      throw clientError('ROOM_BOARD', 'the board gave another file than it was asked for', {
        expected: digest,
      })
    yield part
  }
}

/**
 * Reads places of a file. Nothing of it is verified: what it holds is sealed, and proves itself when it is opened.
 * @returns what throws as {@link downloadSealed}, and `ROOM_BOARD` past the end of the file
 */
export function sealedReader(
  api: BoardApi,
  { digest, bytes }: Pick<SealedFile, 'digest' | 'bytes'>,
  retries: Retries,
): RangeReader {
  return async (start, length) => {
    if (start < 0 || length < 0 || start + length > bytes)
      throw clientError('ROOM_BOARD', 'the file ends before that', {
        expected: `${bytes} bytes`,
        found: `${start + length}`,
      })
    const whole = new Uint8Array(length)
    for (let at = 0; at < length; at += MAX_BOARD_PART_BYTES) {
      const size = Math.min(MAX_BOARD_PART_BYTES, length - at)
      const read = (): Promise<Uint8Array> => api.range(`/files/${digest}`, start + at, size, retries.signal)
      whole.set(await retrying(read, retries), at)
    }
    return whole
  }
}

function partSize(partBytes: number = DEFAULT_PART_BYTES): number {
  return Math.min(partBytes, MAX_BOARD_PART_BYTES)
}

/** @throws `ROOM_BOARD` where the board speaks of another file, or of more of it than there is */
function ofThis(state: BoardFile, { digest, bytes }: SealedFile): BoardFile {
  const isThis = state.digest === digest && state.bytes === bytes
  const isWithin = state.offset <= bytes && (!state.complete || state.offset === bytes)
  if (isThis && isWithin) return state
  throw clientError('ROOM_BOARD', 'the board answered for another file')
}
