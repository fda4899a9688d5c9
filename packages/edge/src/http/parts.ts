import type { SottoError } from '@sotto/protocol/errors'
import { serveError } from '@sotto/serve/errors'
import { declaredLength } from '@sotto/serve/limits'
import { EDGE_STATUSES, type EdgeErrorCode } from '../errors.ts'

/**
 * Where the part of a file begins that a `PATCH` brings: its header `upload-offset`.
 * @throws `HTTP_MEDIA_TYPE`, `HTTP_BODY_TOO_LARGE` where it declares more than `maxBytes`
 */
export function partOffset({ headers }: Request, maxBytes: number): number {
  const offset = headers.get('upload-offset') ?? ''
  if (!/^\d{1,15}$/.test(offset))
    throw serveError('HTTP_MEDIA_TYPE', 'the header upload-offset says where the part begins')
  if ((declaredLength(headers) ?? 0) > maxBytes)
    throw serveError('HTTP_BODY_TOO_LARGE', 'the body is too large', {
      expected: `at most ${maxBytes} bytes`,
    })
  return Number(offset)
}

/** What a part brings: nothing, where there is no body. */
export function partBody({ body }: Request): AsyncIterable<Uint8Array> {
  return body ?? none()
}

/** The one refusal with something to continue from. */
export function offsetRefusal(
  { code, message, action }: SottoError<EdgeErrorCode>,
  offset: number,
): Response {
  return new Response(JSON.stringify({ error: { code, message, action } }), {
    status: EDGE_STATUSES[code],
    headers: {
      'content-type': 'application/json',
      'cache-control': 'no-store',
      'upload-offset': String(offset),
    },
  })
}

async function* none(): AsyncGenerator<Uint8Array> {}
