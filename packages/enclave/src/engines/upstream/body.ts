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

/**
 * An answer in one array: of the length that was stated, each byte where it belongs, or gathered and joined. `hold` is told of
 * all that is allocated before it is. @throws `ENGINE_ANSWER_TOO_LARGE`, what `hold` throws
 */
export async function readAll(
  chunks: AsyncIterable<Uint8Array>,
  maxBytes: number,
  hold: (bytes: number) => void = () => undefined,
  stated?: string,
): Promise<Uint8Array> {
  const tooLarge = (): Error =>
    engineError('ENGINE_ANSWER_TOO_LARGE', 'the answer of the model server is too large', {
      expected: `at most ${maxBytes} bytes`,
    })
  // Node reads exactly as many bytes as this says, or reports that the answer was cut.
  const whole = stated !== undefined && /^\d{1,15}$/.test(stated) ? Number(stated) : undefined
  if (whole !== undefined && whole > maxBytes) throw tooLarge()
  if (whole !== undefined) hold(whole)
  const into = whole === undefined ? undefined : new Uint8Array(whole)
  const parts: Uint8Array[] = []
  let length = 0
  for await (const chunk of chunks) {
    if (length + chunk.length > maxBytes) throw tooLarge()
    if (into) into.set(chunk, length)
    else {
      hold(chunk.length)
      parts.push(chunk)
    }
    length += chunk.length
  }
  if (into) return into
  // The parts are there until it is joined.
  hold(length)
  const joined = new Uint8Array(length)
  for (let at = 0; parts.length > 0; parts.shift()) {
    joined.set(parts[0]!, at)
    at += parts[0]!.length
  }
  return joined
}
