import { concat, utf8 } from '@sotto/protocol/bytes'
import { chunksOf } from '../streams.ts'

/** One part. `size` is bytes, when known beforehand; `stream` may be called once for each encoding. */
export type MultipartPart =
  | { name: string; value: string }
  | {
      name: string
      filename: string
      type: string
      size: number | undefined
      stream(): ReadableStream<Uint8Array>
    }

/** A `multipart/form-data` body that is never held in memory as a whole. */
export interface MultipartBody {
  /** `multipart/form-data; fields=first; boundary=…` */
  contentType: string
  /** Bytes in all; undefined when a part's size is unknown. */
  length: number | undefined
  /** Encodes from the start each time it is called. */
  stream(): AsyncGenerator<Uint8Array>
}

const CRLF = '\r\n'

/**
 * Encodes parts (RFC 7578; escaping as in the WHATWG URL-independent `multipart/form-data` algorithm).
 * Parts without a file come first whatever the order given: a server can then decide about the file
 * (model, language, format) while it still streams, because the content type says so (`fields=first`).
 *
 * `boundary` must not occur in any part; the default is 24 random bytes.
 */
export function encodeMultipart(
  parts: readonly MultipartPart[],
  boundary: string = randomBoundary(),
): MultipartBody {
  const ordered = [...parts.filter((part) => 'value' in part), ...parts.filter((part) => 'stream' in part)]
  const heads = ordered.map((part) => utf8(head(part, boundary)))
  const tail = utf8(`--${boundary}--${CRLF}`)
  return {
    contentType: `multipart/form-data; fields=first; boundary=${boundary}`,
    length: totalLength(ordered, heads, tail),
    async *stream() {
      for (const [index, part] of ordered.entries()) {
        if ('value' in part) {
          yield concat(heads[index]!, utf8(normaliseNewlines(part.value)), utf8(CRLF))
          continue
        }
        yield heads[index]!
        yield* chunksOf(part.stream())
        yield utf8(CRLF)
      }
      yield tail
    },
  }
}

/** Parts of a `FormData`, whose blobs can be read again, so such a body can be encoded twice. */
export function partsOfForm(form: FormData): MultipartPart[] {
  return [...form].map(([name, value]) =>
    typeof value === 'string'
      ? { name, value }
      : {
          name,
          filename: value.name,
          type: value.type || 'application/octet-stream',
          size: value.size,
          stream: () => value.stream(),
        },
  )
}

function head(part: MultipartPart, boundary: string): string {
  const disposition = `Content-Disposition: form-data; name="${escape(normaliseNewlines(part.name))}"`
  if ('value' in part) return `--${boundary}${CRLF}${disposition}${CRLF}${CRLF}`
  const type = /^[\u0020-\u007E]*$/.test(part.type) ? part.type : 'application/octet-stream'
  return `--${boundary}${CRLF}${disposition}; filename="${escape(part.filename)}"${CRLF}Content-Type: ${type}${CRLF}${CRLF}`
}

/** A quote or line break in a name must not end the header field it stands in. */
function escape(text: string): string {
  return text.replaceAll('\n', '%0A').replaceAll('\r', '%0D').replaceAll('"', '%22')
}

function normaliseNewlines(text: string): string {
  return text.replaceAll(/\r\n|\r|\n/g, CRLF)
}

function totalLength(
  parts: readonly MultipartPart[],
  heads: readonly Uint8Array[],
  tail: Uint8Array,
): number | undefined {
  let total = tail.length
  for (const [index, part] of parts.entries()) {
    const size = 'value' in part ? utf8(normaliseNewlines(part.value)).length : part.size
    if (size === undefined) return undefined
    total += heads[index]!.length + size + CRLF.length
  }
  return total
}

function randomBoundary(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(24))
  return `sotto-${[...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('')}`
}
