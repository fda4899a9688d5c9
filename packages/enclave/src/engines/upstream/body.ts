import { GrowingBytes } from '../../ram/growing-bytes.ts'
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
export interface Content {
  readonly parts: readonly Uint8Array[]
  readonly headers: Readonly<Record<string, string | number>>
}

/** The {@link Content} of a body: JSON, where it is not raw. */
export function contentOf(body: object | undefined): Content {
  if (body === undefined) return { parts: [], headers: {} }
  const { parts, headers } =
    body instanceof RawBody
      ? body
      : new RawBody([Buffer.from(JSON.stringify(body))], { 'content-type': 'application/json' })
  const length = parts.reduce((sum, part) => sum + part.length, 0)
  return { parts, headers: { ...headers, 'content-length': length } }
}

/**
 * An answer in one array: of the length that was stated, or one that doubles as it fills. `hold` is told of all that is
 * allocated before it is.
 * @throws `ENGINE_ANSWER_TOO_LARGE`, what `hold` throws
 */
export async function readAll(
  chunks: AsyncIterable<Uint8Array>,
  maxBytes: number,
  hold: (bytes: number) => void = () => undefined,
  stated?: string,
): Promise<Uint8Array> {
  const read = new GrowingBytes(maxBytes, hold)
  const requireBound = (length: number): void => {
    if (length > maxBytes)
      throw engineError('ENGINE_ANSWER_TOO_LARGE', 'the answer of the model server is too large', {
        expected: `at most ${maxBytes} bytes`,
      })
  }
  // Node reads exactly as many bytes as this says, or reports that the answer was cut.
  if (stated !== undefined && /^\d{1,15}$/.test(stated)) {
    requireBound(Number(stated))
    read.reserve(Number(stated))
  }
  for await (const chunk of chunks) {
    requireBound(read.length + chunk.length)
    read.add(chunk)
  }
  const { buffer, length } = read.bytes()
  return new Uint8Array(buffer.byteLength === length ? buffer : buffer.transfer(length))
}
