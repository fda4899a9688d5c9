import { pcm16, SAMPLE_RATE } from './pcm.ts'

/** Speech as a live transcription takes it: `transcribeLive(stream.audio, { sampleRate: SAMPLE_RATE })`. */
export interface SpeechStream {
  /** 16-bit samples of 16 kHz, in pieces as they are spoken. */
  readonly audio: ReadableStream<Uint8Array>
  /** Seconds that were taken. */
  readonly seconds: number
  /** Give it to {@link openMicrophone} as `onSamples`. What comes after the end is dropped. */
  take(samples: Float32Array): void
  /** Speech is over: the transcription becomes complete. */
  end(): void
}

/** Pieces of so many bytes leave together, 100 ms: each costs a message of its own. */
const PIECE_BYTES = 3200

/** Opens an empty recording that somebody is about to speak. */
export function speechStream(): SpeechStream {
  let controller: ReadableStreamDefaultController<Uint8Array> | undefined
  let pieces: Uint8Array[] = []
  let waiting = 0
  let count = 0
  const audio = new ReadableStream<Uint8Array>({
    start: (given) => void (controller = given),
    cancel: () => void (controller = undefined),
  })
  function flush(): void {
    const whole = new Uint8Array(waiting)
    let at = 0
    for (const piece of pieces) {
      whole.set(piece, at)
      at += piece.length
    }
    pieces = []
    waiting = 0
    if (whole.length > 0) controller?.enqueue(whole)
  }
  return {
    audio,
    get seconds() {
      return count / SAMPLE_RATE
    },
    take(samples) {
      if (controller === undefined) return
      count += samples.length
      pieces.push(pcm16(samples))
      waiting += 2 * samples.length
      if (waiting >= PIECE_BYTES) flush()
    },
    end() {
      flush()
      controller?.close()
      controller = undefined
    },
  }
}
