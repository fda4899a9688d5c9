import { engineError } from '../errors.ts'

/** A body that is written as it lies in memory, one part after the other. */
export class RawBody {
  readonly parts: readonly Uint8Array[]
  readonly headers: Readonly<Record<string, string>>

  constructor(parts: readonly Uint8Array[], headers: Readonly<Record<string, string>>) {
    this.parts = parts
    this.headers = headers
  }
}

/** What is written for a body, and the headers that say so. */
export function contentOf(body: object | undefined): {
  parts: readonly Uint8Array[]
  headers: Record<string, string | number>
} {
  if (body === undefined) return { parts: [], headers: {} }
  const { parts, headers } =
    body instanceof RawBody
      ? body
      : new RawBody([Buffer.from(JSON.stringify(body))], { 'content-type': 'application/json' })
  const length = parts.reduce((sum, part) => sum + part.length, 0)
  return { parts, headers: { ...headers, 'content-length': length } }
}

/** Memory that is taken for an answer of unknown length before any of it has come. */
const FIRST_BYTES = 64 * 1024

/**
 * An answer in one array: of the length that was stated, or one that doubles as it fills. The sender chooses the sizes of the
 * chunks, so none of them is kept. `hold` is told of all that is allocated before it is.
 * @throws `ENGINE_ANSWER_TOO_LARGE`, what `hold` throws
 */
export async function readAll(
  chunks: AsyncIterable<Uint8Array>,
  maxBytes: number,
  hold: (bytes: number) => void = () => undefined,
  stated?: string,
): Promise<Uint8Array> {
  let buffer = new ArrayBuffer(0)
  const requireBound = (length: number): void => {
    if (length > maxBytes)
      throw engineError('ENGINE_ANSWER_TOO_LARGE', 'the answer of the model server is too large', {
        expected: `at most ${maxBytes} bytes`,
      })
  }
  const grow = (to: number): void => {
    hold(to - buffer.byteLength)
    // The old one is free at once.
    buffer = buffer.transfer(to)
  }
  // Node reads exactly as many bytes as this says, or reports that the answer was cut.
  if (stated !== undefined && /^\d{1,15}$/.test(stated)) {
    requireBound(Number(stated))
    grow(Number(stated))
  }
  let length = 0
  for await (const chunk of chunks) {
    const needed = length + chunk.length
    requireBound(needed)
    if (needed > buffer.byteLength)
      grow(Math.min(maxBytes, Math.max(needed, 2 * buffer.byteLength, FIRST_BYTES)))
    new Uint8Array(buffer).set(chunk, length)
    length = needed
  }
  return new Uint8Array(buffer.byteLength === length ? buffer : buffer.transfer(length))
}
