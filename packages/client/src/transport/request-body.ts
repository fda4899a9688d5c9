import { concat, utf8 } from '@sotto/protocol/bytes'
import { clientError } from '../errors.ts'
import { encodeMultipart, partsOfForm } from '../multipart/index.ts'
import { chunksOf } from '../streams.ts'

/** Bytes to send. */
export interface RequestBody {
  /** `stream` may be called again and gives the same bytes. */
  replayable: boolean
  stream(): AsyncIterable<Uint8Array>
}

/** A body and the content type it implies when the caller names none. */
export interface PreparedBody {
  body: RequestBody
  contentType: string | undefined
  /** The implied type carries a boundary: it wins over whatever the caller wrote. */
  forced: boolean
}

/** Bodies without a known size are read ahead up to here; those that end earlier can be replayed. */
const READ_AHEAD_BYTES = 65_536

/** The empty body. */
export const EMPTY_BODY: RequestBody = { replayable: true, stream: () => chunksOfBytes(new Uint8Array(0)) }

/** Nothing is read ahead of a live body: its first words must not wait for the next ones. */
const LIVE_READ_AHEAD_BYTES = -1

/**
 * Accepts what `fetch` accepts, and async iterables of bytes. Forms are encoded with their text
 * fields first; streams are not held in memory.
 * @throws `REQUEST_INVALID` for any other type
 */
export async function prepareBody(source: unknown, isLive = false): Promise<PreparedBody> {
  if (source === undefined || source === null) return prepared(EMPTY_BODY)
  if (typeof source === 'string') return prepared(bytesBody(utf8(source)), 'text/plain;charset=UTF-8')
  if (source instanceof URLSearchParams) {
    return prepared(bytesBody(utf8(source.toString())), 'application/x-www-form-urlencoded;charset=UTF-8')
  }
  if (source instanceof ArrayBuffer) return prepared(bytesBody(new Uint8Array(source.slice(0))))
  if (ArrayBuffer.isView(source)) {
    return prepared(bytesBody(new Uint8Array(source.buffer, source.byteOffset, source.byteLength).slice()))
  }
  if (source instanceof FormData) {
    const form = encodeMultipart(partsOfForm(source))
    return { body: { replayable: true, stream: form.stream }, contentType: form.contentType, forced: true }
  }
  if (source instanceof Blob) {
    return prepared({ replayable: true, stream: () => chunksOf(source.stream()) }, source.type || undefined)
  }
  if (source instanceof ReadableStream) return prepared(await readAhead(chunksOf(source), isLive))
  if (isAsyncIterable(source)) return prepared(await readAhead(bytesOnly(source), isLive))
  throw clientError('REQUEST_INVALID', 'the request body has an unknown type')
}

function prepared(body: RequestBody, contentType?: string): PreparedBody {
  return { body, contentType, forced: false }
}

function bytesBody(bytes: Uint8Array): RequestBody {
  return { replayable: true, stream: () => chunksOfBytes(bytes) }
}

async function* chunksOfBytes(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  if (bytes.length > 0) yield bytes
}

async function readAhead(source: AsyncGenerator<Uint8Array>, isLive: boolean): Promise<RequestBody> {
  const head: Uint8Array[] = []
  let size = 0
  while (size <= (isLive ? LIVE_READ_AHEAD_BYTES : READ_AHEAD_BYTES)) {
    const { done, value } = await source.next()
    if (done) return bytesBody(concat(...head))
    // A copy: the producer may reuse its buffer once it is asked for more.
    head.push(value.slice())
    size += value.length
  }
  let used = false
  return {
    replayable: false,
    stream() {
      if (used) throw clientError('REQUEST_INVALID', 'a streamed request body can be sent once')
      used = true
      return continueAfter(head, source)
    },
  }
}

async function* continueAfter(
  head: readonly Uint8Array[],
  rest: AsyncGenerator<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  try {
    yield* head
    yield* rest
  } finally {
    await rest.return(undefined)
  }
}

async function* bytesOnly(source: AsyncIterable<unknown>): AsyncGenerator<Uint8Array> {
  for await (const chunk of source) {
    if (typeof chunk === 'string') yield utf8(chunk)
    else if (chunk instanceof Uint8Array) yield chunk
    else throw clientError('REQUEST_INVALID', 'a streamed request body yields bytes only')
  }
}

function isAsyncIterable(value: unknown): value is AsyncIterable<unknown> {
  return typeof value === 'object' && value !== null && Symbol.asyncIterator in value
}
