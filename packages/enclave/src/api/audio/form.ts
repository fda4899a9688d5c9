import { Readable } from 'node:stream'
import type { ReadableStream as NodeReadableStream } from 'node:stream/web'
import { Busboy, type BusboyFileStream, type BusboyInstance } from '@fastify/busboy'
import { ApiError } from '../openai/errors.ts'

/** Text fields of a form: at most this many, each at most this long. */
const MAX_FIELDS = 64
const MAX_FIELD_BYTES = 64 * 1024
/** Kept in memory while fields that come after the file are awaited. */
export const MAX_SPOOLED_BYTES: number = 8 * 1024 * 1024

/** A multipart form whose one file is still arriving. */
export interface StreamedForm {
  /** Fields seen so far; complete when `fieldsComplete`. Repeated names keep every value. */
  fields: ReadonlyMap<string, readonly string[]>
  /**
   * True when the form ended within the spool: every field is known. False for a larger file: fields
   * after it are still to come, and `file` throws `API_INVALID` at its end if there are any.
   */
  fieldsComplete: boolean
  /** The file's bytes, with backpressure to the sender. Throws when the body is cut or too large. */
  file: AsyncIterable<Uint8Array>
}

/**
 * Reads a multipart form that carries one file in the field `file`, without holding the file:
 * resolves when the whole form lies in the spool or the spool is full.
 *
 * @throws `API_INVALID` for a malformed form or none, `API_TOO_LARGE` past `maxFileBytes`
 */
export async function readForm(request: Request, maxFileBytes: number): Promise<StreamedForm> {
  const contentType = request.headers.get('content-type') ?? ''
  if (!/^multipart\/form-data\s*;/i.test(contentType) || !request.body) {
    throw new ApiError('API_INVALID', 'send the recording as multipart/form-data with a field named file')
  }
  const parser = openParser(contentType, maxFileBytes)
  const fields = new Map<string, string[]>()
  const spool = new Spool()
  let fieldsAfterFile: string | undefined
  let committed = false

  parser.on('field', (name: string, value: string, nameTruncated: boolean, valueTruncated: boolean) => {
    if (nameTruncated || valueTruncated)
      return spool.fail(new ApiError('API_INVALID', 'a form field is too long', name.slice(0, 64)))
    if (committed) fieldsAfterFile ??= name
    fields.set(name, [...(fields.get(name) ?? []), value])
  })
  parser.on('file', (name: string, stream: BusboyFileStream) => {
    stream.on('error', (error: Error) => spool.fail(error))
    if (name !== 'file') {
      stream.resume()
      spool.fail(new ApiError('API_INVALID', 'the only file of this form is named file', name.slice(0, 64)))
      return
    }
    stream.on('limit', () =>
      spool.fail(new ApiError('API_TOO_LARGE', `the recording is larger than ${maxFileBytes} bytes`, 'file')),
    )
    spool.take(stream)
  })
  for (const limit of ['partsLimit', 'filesLimit', 'fieldsLimit'] as const) {
    parser.on(limit, () => spool.fail(new ApiError('API_INVALID', 'the form has too many parts')))
  }
  parser.on('error', () => spool.fail(new ApiError('API_INVALID', 'the form is malformed or cut')))
  parser.on('finish', () => {
    if (fieldsAfterFile)
      spool.fail(
        new ApiError('API_INVALID', 'fields must come before a recording of this size', fieldsAfterFile),
      )
    else spool.finish()
  })
  const source = Readable.fromWeb(request.body as NodeReadableStream)
  source.on('error', (error) => {
    spool.fail(error)
    parser.destroy()
  })
  source.pipe(parser)

  const fieldsComplete = await spool.ready()
  committed = true
  if (!spool.hasFile) throw new ApiError('API_INVALID', 'the form has no field named file', 'file')
  return { fields, fieldsComplete, file: spool.drain(() => source.destroy()) }
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

/** Holds the beginning of a file until somebody reads, then passes the rest on as it comes. */
class Spool {
  hasFile = false
  #stream: BusboyFileStream | undefined
  #chunks: Uint8Array[] = []
  #bytes = 0
  #ended = false
  #failure: { error: unknown } | undefined
  #isReading = false
  #wake: () => void = () => {}

  take(stream: BusboyFileStream): void {
    this.hasFile = true
    this.#stream = stream
    stream.on('data', (chunk: Buffer) => {
      this.#chunks.push(chunk)
      this.#bytes += chunk.length
      if (this.#bytes > (this.#isReading ? 0 : MAX_SPOOLED_BYTES)) stream.pause()
      this.#wake()
    })
  }

  finish(): void {
    this.#ended = true
    this.#wake()
  }

  fail(error: unknown): void {
    this.#failure ??= { error }
    this.#stream?.resume() // let the parser run to its end instead of waiting for a reader
    this.#wake()
  }

  /** True: the form is complete. False: the spool is full. Throws what made the form unusable. */
  async ready(): Promise<boolean> {
    while (!this.#ended && !this.#failure && this.#bytes <= MAX_SPOOLED_BYTES) await this.#change()
    if (this.#failure) throw this.#failure.error
    return this.#ended
  }

  async *drain(onLeave: () => void): AsyncGenerator<Uint8Array> {
    this.#isReading = true
    try {
      for (;;) {
        if (this.#failure) throw this.#failure.error
        const chunk = this.#chunks.shift()
        if (chunk) {
          this.#bytes -= chunk.length
          yield chunk
        } else if (this.#ended) return
        else {
          this.#stream?.resume()
          await this.#change()
        }
      }
    } finally {
      this.#chunks = []
      if (!this.#ended) onLeave()
    }
  }

  #change(): Promise<void> {
    return new Promise((resolve) => (this.#wake = resolve))
  }
}
