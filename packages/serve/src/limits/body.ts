import { concat } from '@sotto/protocol/bytes'
import type { SottoError } from '@sotto/protocol/errors'
import { serveError, type ServeErrorCode } from '../errors/index.ts'

/**
 * The whole body of a request or response, at most `maxBytes`. A declared length is checked before
 * a byte is read; an undeclared one is counted as it arrives, so nothing larger is ever held.
 * @throws `HTTP_BODY_TOO_LARGE`, `HTTP_BODY_CUT`
 */
export async function readBody(message: Request | Response, maxBytes: number): Promise<Uint8Array> {
  const declared = requireDeclared(message.headers, maxBytes)
  try {
    // The HTTP parser holds the sender to a declared length, so this path needs no counting.
    if (declared !== undefined && message instanceof Request) {
      const bytes = new Uint8Array(await message.arrayBuffer())
      if (bytes.length > maxBytes) throw tooLarge(maxBytes)
      return bytes
    }
    if (message.body === null) return new Uint8Array()
    const parts: Uint8Array[] = []
    for await (const part of limitBytes(message.body, maxBytes)) parts.push(part)
    return concat(...parts)
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'HTTP_BODY_TOO_LARGE') throw cause
    throw serveError('HTTP_BODY_CUT', 'the body ended early', { cause })
  }
}

/** The same stream, which fails with `HTTP_BODY_TOO_LARGE` once more than `maxBytes` have passed. */
export function limitBytes(
  stream: ReadableStream<Uint8Array>,
  maxBytes: number,
): ReadableStream<Uint8Array<ArrayBuffer>> {
  let seen = 0
  return stream.pipeThrough(
    new TransformStream<Uint8Array, Uint8Array<ArrayBuffer>>({
      transform(chunk, controller) {
        seen += chunk.length
        if (seen > maxBytes) controller.error(tooLarge(maxBytes))
        else controller.enqueue(chunk as Uint8Array<ArrayBuffer>)
      },
    }),
  )
}

/** The Content-Length, when there is one. Two different ones never get past the HTTP parser. */
export function declaredLength(headers: Headers): number | undefined {
  const value = headers.get('content-length')
  return value !== null && /^\d{1,15}$/.test(value) ? Number(value) : undefined
}

/** The same, where it is no more than there may be. @throws `HTTP_BODY_TOO_LARGE` */
export function requireDeclared(headers: Headers, maxBytes: number): number | undefined {
  const declared = declaredLength(headers)
  if (declared !== undefined && declared > maxBytes) throw tooLarge(maxBytes)
  return declared
}

function tooLarge(maxBytes: number): SottoError<ServeErrorCode> {
  return serveError('HTTP_BODY_TOO_LARGE', 'the body is too large', { expected: `at most ${maxBytes} bytes` })
}
