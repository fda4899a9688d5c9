import { concat } from '@sotto/protocol/bytes'
import { limitBytes, pacedBody, PART_PACE } from '@sotto/serve/limits'

/**
 * The whole body of a request that holds a place while it comes, so that it has to come at a pace.
 * @throws `HTTP_BODY_TOO_LARGE`, `HTTP_BODY_CUT`
 */
export async function readPaced({ body }: Request, maxBytes: number): Promise<Uint8Array> {
  if (body === null) return new Uint8Array()
  const parts: Uint8Array[] = []
  for await (const part of pacedBody(limitBytes(body, maxBytes), PART_PACE)) parts.push(part)
  return concat(...parts)
}
