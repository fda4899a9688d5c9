import { clientError } from '../errors.ts'
import { errorBody, errorResponse, withProblemOf } from './errors.ts'

/** Paths of the Open Inference Protocol (KServe v2). */
export function isTensorPath(pathname: string): boolean {
  return pathname === '/v2' || pathname.startsWith('/v2/')
}

/** Encodings that clients of the protocol compress bodies with, as the platform names them. */
const ENCODINGS: Readonly<Record<string, CompressionFormat | undefined>> = {
  gzip: 'gzip',
  deflate: 'deflate',
}

/**
 * The body as the service takes it: compressed ones are inflated here, for inside the encryption no length shows what
 * a message holds. @throws `REQUEST_INVALID` for another encoding
 */
export function plainBody(request: Request): ReadableStream<Uint8Array> | null {
  const encoding = request.headers.get('content-encoding')?.toLowerCase() ?? 'identity'
  if (request.body === null || encoding === 'identity') return request.body
  const format = Object.hasOwn(ENCODINGS, encoding) ? ENCODINGS[encoding] : undefined
  if (format === undefined)
    throw clientError('REQUEST_INVALID', 'the body has an unknown content encoding', {
      expected: 'gzip or deflate',
    })
  const inflate = new DecompressionStream(format) as ReadableWritablePair<Uint8Array, Uint8Array>
  return request.body.pipeThrough(inflate)
}

/** Our errors as clients of this protocol read them: `error` is the message. */
export function tensorError(error: unknown): Response {
  const ours = errorResponse(error)
  const { status, headers } = ours
  const { message, code, action } = errorBody(error).error
  return withProblemOf(
    ours,
    new Response(JSON.stringify({ error: message, code, action }), { status, headers }),
  )
}
