/** The pieces of an answer's body, until `signal` aborts: that throws, for a part must never end like a whole. */
export async function* readAll(
  body: ReadableStream<Uint8Array> | null,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array, void> {
  if (body === null) return
  const reader = body.getReader()
  const cancel = (): void => void reader.cancel(signal.reason).catch(() => {})
  signal.addEventListener('abort', cancel, { once: true })
  if (signal.aborted) cancel()
  try {
    for (let read = await reader.read(); !read.done; read = await reader.read()) yield read.value
    signal.throwIfAborted()
  } finally {
    signal.removeEventListener('abort', cancel)
    await reader.cancel().catch(() => {})
  }
}
