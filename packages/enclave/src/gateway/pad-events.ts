import { concat, utf8 } from '@sotto/protocol/bytes'

/** How an event stream is made to say less about its words (T17). */
export interface PadEventsOptions {
  /** Every flush is a multiple of this many bytes. */
  bucketBytes: number
  /** Least time between two flushes, in milliseconds; 0 flushes every write. */
  windowMs: number
  /** Milliseconds on a clock that never goes back. */
  monotonicNow: () => number
  /** Aborting cancels the source at once, also while it is silent, and fails the stream. */
  signal?: AbortSignal
}

const NEWLINE = 10
/** `:` and an empty line after it: the shortest comment that is an event boundary too. */
const MIN_COMMENT = 3
/**
 * Between the last lines of a source that failed and the cut: whoever passes them on throws away what it
 * still holds when the connection breaks, and the reason of the failure is in these lines.
 */
const BEFORE_CUT_MS = 100
/** A flush fits one 16384-byte chunk with its length prefix, whatever the bucket. */
const MAX_FLUSH_BYTES = 15_872

/**
 * Pads an event stream with comment lines (WHATWG HTML, server-sent events: lines that start with a
 * colon are ignored) so that every flush has one of few lengths, and gathers what is written within
 * the window. The first flush comes at once, and only whole lines leave. When `source` fails, so
 * does this, after the whole lines it wrote before; when the reader stops or `signal` aborts, `source`
 * is cancelled.
 */
export async function* padEvents(
  source: ReadableStream<Uint8Array>,
  options: PadEventsOptions,
): AsyncGenerator<Uint8Array, void> {
  const { bucketBytes, windowMs, monotonicNow, signal } = options
  const reader = source.getReader()
  let held: Uint8Array = new Uint8Array(0)
  // The window starts with the first words: the empty opening flush must not hold them back.
  let flushedAt = -Infinity
  const cancel = (): void => void reader.cancel(signal?.reason).catch(() => {})
  signal?.addEventListener('abort', cancel, { once: true })
  try {
    // The client learns that there is an answer before the first word is ready.
    yield pad(held, bucketBytes)
    let next = reader.read()
    next.catch(() => {}) // awaited below, unless the reader stops first
    for (;;) {
      const lines = held.lastIndexOf(NEWLINE) + 1
      const waitMs = flushedAt + windowMs - monotonicNow()
      if (lines > 0 && (waitMs <= 0 || held.length >= MAX_FLUSH_BYTES)) {
        yield* inBlocks(held.subarray(0, lines), bucketBytes)
        held = held.subarray(lines)
        flushedAt = monotonicNow()
        continue
      }
      if (lines === 0 && held.length >= MAX_FLUSH_BYTES) {
        yield held.subarray(0, MAX_FLUSH_BYTES)
        held = held.subarray(MAX_FLUSH_BYTES)
        continue
      }
      const read = await (lines > 0 ? firstOf(next, waitMs) : next).catch((cause: unknown) => ({ cause }))
      if (read === 'window') continue
      if ('cause' in read) {
        signal?.throwIfAborted()
        if (lines > 0) yield* inBlocks(held.subarray(0, lines), bucketBytes)
        await new Promise((resolve) => setTimeout(resolve, BEFORE_CUT_MS))
        throw read.cause
      }
      if (read.done) break
      held = concat(held, read.value)
      next = reader.read()
      next.catch(() => {})
    }
    signal?.throwIfAborted()
    if (held.length > 0) yield* inBlocks(held, bucketBytes)
  } finally {
    signal?.removeEventListener('abort', cancel)
    await reader.cancel().catch(() => {})
  }
}

async function firstOf<T>(next: Promise<T>, waitMs: number): Promise<T | 'window'> {
  let timer: NodeJS.Timeout | undefined
  const window = new Promise<'window'>((resolve) => {
    timer = setTimeout(resolve, waitMs, 'window')
  })
  try {
    return await Promise.race([next, window])
  } finally {
    clearTimeout(timer)
  }
}

function* inBlocks(bytes: Uint8Array, bucketBytes: number): Generator<Uint8Array> {
  const padded = pad(bytes, bucketBytes)
  for (let offset = 0; offset < padded.length; offset += MAX_FLUSH_BYTES)
    yield padded.subarray(offset, offset + MAX_FLUSH_BYTES)
}

function pad(bytes: Uint8Array, bucketBytes: number): Uint8Array {
  // A comment can only start a line; a body that ends within one is not an event stream to be helped.
  if (bytes.length > 0 && bytes.at(-1) !== NEWLINE) return bytes
  let missing = (bucketBytes - (bytes.length % bucketBytes)) % bucketBytes
  if (missing === 0 && bytes.length > 0) return bytes
  while (missing < MIN_COMMENT) missing += bucketBytes
  return concat(bytes, utf8(`:${' '.repeat(missing - MIN_COMMENT)}\n\n`))
}
