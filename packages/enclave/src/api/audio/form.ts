import { Readable } from 'node:stream'
import type { ReadableStream as NodeReadableStream } from 'node:stream/web'
import { Busboy, type BusboyFileStream, type BusboyInstance } from '@fastify/busboy'
import { ApiError } from '../openai/errors.ts'
import { IncomingFile, type WaitingRoom } from './incoming-file.ts'

/** Text fields of a form: at most this many, each at most this long. */
const MAX_FIELDS = 64
const MAX_FIELD_BYTES = 64 * 1024
/**
 * A parameter of the content type by which a sender says that no text field follows the file. Senders
 * that know nothing of it may write their fields in any order.
 */
const FIELDS_FIRST = /;\s*fields=first\s*(?:;|$)/i

/** A multipart form whose text fields are all known. */
export interface UploadForm {
  /** Repeated names keep every value. */
  fields: ReadonlyMap<string, readonly string[]>
  /** The file's bytes, to be read once. Throws when a body that still arrives is cut or too large. */
  file: AsyncIterable<Uint8Array>
  /** Frees what is held of the file and stops a sender who is not done. At any moment, any number of times. */
  discard(): void
}

/** How much a form may hold. */
export interface FormLimits {
  maxFileBytes: number
  /** Where a file waits for the fields behind it. */
  waitingRoom: WaitingRoom
}

/**
 * Reads a multipart form that carries one file in the field `file`. The fields decide what becomes of
 * the file, and most clients write them after it: such a file waits in the room until the form is
 * complete. One whose sender says that the fields come first streams, and is never held whole.
 *
 * @throws `API_INVALID` for a malformed form or none, `API_TOO_LARGE` past `maxFileBytes`, `API_BUSY` when
 * the room is full; what is held is freed then
 */
export async function readForm(request: Request, limits: FormLimits): Promise<UploadForm> {
  const contentType = request.headers.get('content-type') ?? ''
  if (!/^multipart\/form-data\s*;/i.test(contentType) || !request.body) {
    throw new ApiError('API_INVALID', 'send the recording as multipart/form-data with a field named file')
  }
  const parser = openParser(contentType, limits.maxFileBytes)
  const source = Readable.fromWeb(request.body as NodeReadableStream)
  const room = FIELDS_FIRST.test(contentType) ? undefined : limits.waitingRoom
  const file = new IncomingFile(room, () => source.destroy())
  const fields = new Map<string, string[]>()
  let isDecided = false

  parser.on('field', (name: string, value: string, nameTruncated: boolean, valueTruncated: boolean) => {
    if (nameTruncated || valueTruncated)
      return file.fail(new ApiError('API_INVALID', 'a form field is too long', name.slice(0, 64)))
    if (isDecided)
      return file.fail(
        new ApiError('API_INVALID', 'fields=first was said, and a field follows the file', name.slice(0, 64)),
      )
    fields.set(name, [...(fields.get(name) ?? []), value])
  })
  parser.on('file', (name: string, stream: BusboyFileStream) => {
    stream.on('error', (error: Error) => file.fail(error))
    if (name !== 'file') {
      stream.resume()
      file.fail(new ApiError('API_INVALID', 'the only file of this form is named file', name.slice(0, 64)))
      return
    }
    stream.on('limit', () =>
      file.fail(
        new ApiError('API_TOO_LARGE', `the recording is larger than ${limits.maxFileBytes} bytes`, 'file'),
      ),
    )
    file.take(stream)
  })
  for (const limit of ['partsLimit', 'filesLimit', 'fieldsLimit'] as const) {
    parser.on(limit, () => file.fail(new ApiError('API_INVALID', 'the form has too many parts')))
  }
  parser.on('error', () => file.fail(new ApiError('API_INVALID', 'the form is malformed or cut')))
  parser.on('finish', () => file.finish())
  source.on('error', (error) => file.fail(error))
  source.on('close', () => {
    // Ended or not: nothing more comes, and the file's part must not wait for it.
    if (!source.readableEnded) parser.destroy()
  })
  source.pipe(parser)

  try {
    await file.ready()
    if (!file.isThere) throw new ApiError('API_INVALID', 'the form has no field named file', 'file')
  } catch (error) {
    file.discard()
    throw error
  }
  isDecided = true
  return { fields, file: file.read(), discard: () => file.discard() }
}

function openParser(contentType: string, maxFileBytes: number): BusboyInstance {
  try {
    return new Busboy({
      headers: { 'content-type': contentType },
      limits: {
        files: 1,
        fileSize: maxFileBytes,
        fields: MAX_FIELDS,
        fieldSize: MAX_FIELD_BYTES,
        fieldNameSize: 128,
        parts: MAX_FIELDS + 1,
        headerPairs: 32,
        headerSize: 8192,
      },
    })
  } catch {
    throw new ApiError('API_INVALID', 'the form has no usable boundary')
  }
}
