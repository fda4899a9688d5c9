import { concat } from '@sotto/protocol/bytes'
import { streamOf } from '../streams.ts'

/** Encrypted requests up to here are sent in one piece, with a length, like everybody's short ones. */
const WHOLE_BYTES = 128 * 1024

/**
 * What `fetch` sends: short messages as bytes; long ones as a stream, or, where the platform cannot
 * stream uploads, as a blob, which browsers may keep outside memory. All of it is ciphertext.
 */
export async function outerBody(
  sealed: AsyncGenerator<Uint8Array>,
  streamUploads: boolean,
): Promise<Uint8Array | Blob | ReadableStream<Uint8Array>> {
  const head: Uint8Array[] = []
  let size = 0
  const limit = streamUploads ? WHOLE_BYTES : Infinity
  while (size <= limit) {
    const { done, value } = await sealed.next()
    if (done) return size <= WHOLE_BYTES ? concat(...head) : new Blob(head as BlobPart[])
    head.push(value)
    size += value.length
  }
  return streamOf(continueAfter(head, sealed))
}

async function* continueAfter(
  head: readonly Uint8Array[],
  rest: AsyncGenerator<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  try {
    yield* head
    yield* rest
  } finally {
    await rest.return(undefined)
  }
}
