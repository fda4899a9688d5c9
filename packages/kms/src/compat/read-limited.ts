import { concat } from '@sotto/protocol/bytes'

/** The body of an answer, unless it is longer. @throws an error when it is, or when it fails */
export async function readLimited(response: Response, maxBytes: number): Promise<Uint8Array> {
  const parts: Uint8Array[] = []
  let length = 0
  for await (const part of response.body ?? []) {
    length += part.length
    if (length > maxBytes) throw new Error(`longer than ${maxBytes} bytes`)
    parts.push(part)
  }
  return concat(...parts)
}
