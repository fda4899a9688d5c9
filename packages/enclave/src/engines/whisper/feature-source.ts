import { createFeatureStream } from './feature-stream.ts'
import type { FeatureSource } from './walk-windows.ts'

/** Features of audio that may still be arriving, so that decoding begins with the first full window. */
export interface AudioFeatures extends FeatureSource {
  /** Seconds heard so far; all of the recording once a window was `undefined`. */
  readonly seconds: number
}

const SAMPLE_RATE = 16_000

/** @param audio mono at 16 kHz in blocks of any length; read once, no further ahead than a window needs */
export function audioFeatures(audio: AsyncIterable<Float32Array>, mels: number): AudioFeatures {
  const stream = createFeatureStream(mels)
  const blocks = audio[Symbol.asyncIterator]()
  let ended = false
  return {
    window: async (start, count) => {
      while (!ended && stream.frames < start + count) {
        const block = await blocks.next()
        if (block.done) {
          ended = true
          stream.end()
        } else stream.push(block.value)
      }
      if (start >= stream.frames) return undefined
      return { features: stream.window(start, count), frames: Math.min(count, stream.frames - start) }
    },
    get seconds() {
      return stream.samples / SAMPLE_RATE
    },
  }
}
