import { concat } from '@sotto/protocol/bytes'
import { wavHeader } from './wav-stream.ts'

/** A recording as it is made, in one part or in several that follow each other without a gap. */
export interface Recording {
  /** Seconds of it that were handed out; 0 where nobody knows. */
  readonly seconds: number
  /** The next part of it, from where the one before ended. One at a time. */
  part(): AsyncGenerator<Uint8Array>
  /** Ends the part that is being read, also while it waits: what comes next is of the next one. */
  cut(): void
  /** Whether there is more behind the end of a part. Waits until that is known. */
  hasMore(): Promise<boolean>
}

/**
 * Opens a recording.
 *
 * @param sampleRate of raw 16-bit samples, which get a header for each part; absent: the recording is a file, in one part
 * @param over ends the recording, also while it waits for more of itself: `fetch` does not, when it is aborted
 */
export function openRecording(
  audio: AsyncIterable<Uint8Array> | ReadableStream<Uint8Array>,
  sampleRate: number | undefined,
  over: AbortSignal,
): Recording {
  const { next, stop } = audio instanceof ReadableStream ? fromStream(audio) : fromIterable(audio)
  let coming: ReturnType<Source['next']> | undefined
  let current = { isCut: false }
  let wake: (found: undefined) => void = () => {}
  /** Half a sample: it is not torn from its other half. */
  let half: Uint8Array = new Uint8Array(0)
  let bytes = 0
  over.addEventListener('abort', stop, { once: true })
  if (over.aborted) stop()

  function whole(piece: Uint8Array): Uint8Array {
    if (sampleRate === undefined) return piece
    const all = half.length === 0 ? piece : concat(half, piece)
    const end = all.length - (all.length % 2)
    half = all.slice(end)
    return all.subarray(0, end)
  }
  /** The next piece, which is read once, whoever waits for it. */
  function look(): ReturnType<Source['next']> {
    coming ??= next()
    coming.catch(() => undefined)
    return coming
  }
  /** {@link look}, which a cut ends with undefined. Not a race: each would hang on to the cut until it comes. */
  function lookUnlessCut(own: { isCut: boolean }): Promise<Awaited<ReturnType<Source['next']>> | undefined> {
    return new Promise((resolve, reject) => {
      // Who waits now is the part that came after this one.
      if (own.isCut) return resolve(undefined)
      wake = resolve
      look().then(resolve, reject)
    })
  }
  function finish(): void {
    over.removeEventListener('abort', stop)
    stop()
  }

  async function* part(own: { isCut: boolean }): AsyncGenerator<Uint8Array> {
    try {
      if (sampleRate !== undefined) yield wavHeader(sampleRate)
      for (;;) {
        const found = await lookUnlessCut(own)
        // What came in the same moment is of the next part.
        if (found === undefined || own.isCut) return
        if (found.done === true) break
        coming = undefined
        const piece = whole(found.value!)
        bytes += piece.length
        if (piece.length > 0) yield piece
      }
      if (half.length > 0) yield half
    } finally {
      // A part that is cut hands the source on; one that fails, or that nobody wants any more, ends it.
      if (!own.isCut) finish()
    }
  }
  return {
    get seconds() {
      return sampleRate === undefined ? 0 : bytes / (2 * sampleRate)
    },
    part() {
      current = { isCut: false }
      return part(current)
    },
    cut() {
      current.isCut = true
      wake(undefined)
    },
    hasMore: async () => (await look()).done !== true,
  }
}

interface Source {
  next(): Promise<{ done?: boolean | undefined; value?: Uint8Array | undefined }>
  /** At any moment, any number of times. */
  stop(): void
}

function fromStream(audio: ReadableStream<Uint8Array>): Source {
  const reader = audio.getReader()
  return { next: () => reader.read(), stop: () => void reader.cancel().catch(() => {}) }
}

function fromIterable(audio: AsyncIterable<Uint8Array>): Source {
  const iterator = audio[Symbol.asyncIterator]()
  return { next: () => iterator.next(), stop: () => void iterator.return?.().catch(() => {}) }
}
