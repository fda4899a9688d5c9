/**
 * Chunks of a web stream, cancelling it when the loop ends early. Not `for await (… of stream)`,
 * which some browsers do not have.
 */
export async function* chunksOf(
  stream: ReadableStream<Uint8Array>,
): AsyncGenerator<Uint8Array, void, undefined> {
  const reader = stream.getReader()
  let finished = false
  try {
    for (;;) {
      const { done, value } = await reader.read()
      if (done) break
      yield value
    }
    finished = true
  } finally {
    if (!finished) await reader.cancel().catch(() => {})
    reader.releaseLock()
  }
}

/**
 * A web stream that pulls from an async iterator, one chunk when the reader asks for one.
 *
 * @param abort called first when the reader cancels: a generator that waits cannot be ended from outside,
 * so what it waits for must end
 */
export function streamOf(source: AsyncIterable<Uint8Array>, abort?: () => void): ReadableStream<Uint8Array> {
  const iterator = source[Symbol.asyncIterator]()
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const { done, value } = await iterator.next()
        if (done) controller.close()
        else controller.enqueue(value)
      },
      async cancel(reason) {
        abort?.()
        await iterator.return?.(reason)
      },
    },
    // Nothing is read ahead of the consumer: what is not asked for is not fetched nor decrypted.
    { highWaterMark: 0 },
  )
}

/** Reads at most `maxBytes`; undefined when there is more. */
export async function readBounded(
  stream: ReadableStream<Uint8Array> | null,
  maxBytes: number,
): Promise<Uint8Array | undefined> {
  if (stream === null) return new Uint8Array(0)
  const parts: Uint8Array[] = []
  let size = 0
  for await (const part of chunksOf(stream)) {
    size += part.length
    if (size > maxBytes) return undefined
    parts.push(part)
  }
  const out = new Uint8Array(size)
  let offset = 0
  for (const part of parts) {
    out.set(part, offset)
    offset += part.length
  }
  return out
}
