import type { ByteStream } from '../byte-stream.ts'
import { cutShort } from '../errors.ts'
import type { SampleReader } from './sample-reader.ts'

/** Where the samples of an uncompressed file lie. */
export interface PcmLayout {
  readonly channels: number
  readonly bytesPerSample: number
  readonly read: SampleReader
  /** Bytes of samples still to come, a multiple of the frame size; infinite: until the source ends. */
  readonly bytes: number
  /** True when fewer bytes than that are a whole file too: the header was written before the length was known. */
  readonly lengthUnknown: boolean
}

/** Mono blocks of interleaved samples, as they arrive. @throws `AUDIO_MALFORMED` */
export async function* readPcmBlocks(input: ByteStream, layout: PcmLayout): AsyncGenerator<Float32Array> {
  const frameBytes = layout.channels * layout.bytesPerSample
  let left = layout.bytes
  while (left > 0) {
    if (!(await input.ensure(frameBytes))) {
      // Without a length nobody can tell a whole file from a cut one, except by half a frame.
      if (layout.lengthUnknown && input.window.length === 0) return
      throw cutShort('the samples')
    }
    const { window } = input
    const frames = Math.floor(Math.min(window.length, left) / frameBytes)
    const block = mixFrames(window, frames, layout)
    input.consume(frames * frameBytes)
    left -= frames * frameBytes
    yield block
  }
}

function mixFrames(
  bytes: Uint8Array,
  frames: number,
  { channels, bytesPerSample, read }: PcmLayout,
): Float32Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const block = new Float32Array(frames)
  if (channels === 1) {
    for (let i = 0, at = 0; i < frames; i++, at += bytesPerSample) block[i] = read(view, at)
    return block
  }
  for (let i = 0, at = 0; i < frames; i++) {
    let sum = 0
    for (let c = 0; c < channels; c++, at += bytesPerSample) sum += read(view, at)
    block[i] = sum / channels
  }
  return block
}
