import { edgeError, type EdgeErrorCode } from '../errors.ts'

/** A file that can be read at any place. */
export interface ReadableFile {
  bytes: number
  /** Bytes `start` to `end` (excluded). */
  read(start: number, end: number): ReadableStream<Uint8Array>
}

/**
 * Answers `GET` and `HEAD` of a file (RFC 9110 Section 14): the whole of it, or one range.
 * @throws `outside`, for what is no single range within the file
 */
export function answerFile(
  request: Request,
  { bytes, read }: ReadableFile,
  outside: EdgeErrorCode,
): Response {
  const range = rangeOf(request.headers.get('range'), bytes, outside)
  const [start, end] = range ?? [0, bytes]
  const headers = {
    'content-type': 'application/octet-stream',
    'content-length': String(end - start),
    'accept-ranges': 'bytes',
    'cache-control': 'no-store',
    ...(range && { 'content-range': `bytes ${start}-${end - 1}/${bytes}` }),
  }
  return new Response(request.method === 'HEAD' ? null : read(start, end), {
    status: range ? 206 : 200,
    headers,
  })
}

/** Start and end (excluded) of a single range; undefined for the whole. */
function rangeOf(header: string | null, bytes: number, outside: EdgeErrorCode): [number, number] | undefined {
  if (header === null) return undefined
  const [, first, last] = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(header) ?? []
  const isRange = first !== undefined && last !== undefined && (first !== '' || last !== '')
  const [start, end] = isRange ? placeOf(first, last, bytes) : [bytes, bytes]
  if (start < bytes && start < end) return [start, end]
  throw edgeError(outside, 'one range within the file, or the whole', { expected: `0-${bytes - 1}` })
}

function placeOf(first: string, last: string, bytes: number): [number, number] {
  if (first === '') return [Math.max(0, bytes - Number(last)), bytes]
  return [Number(first), last === '' ? bytes : Math.min(Number(last) + 1, bytes)]
}
