/** Logits of consecutive frames of a recording, row-major `[frames, width]`. */
export interface Logits {
  readonly values: Float32Array
  readonly frames: number
  readonly width: number
  /** Seconds from the start of the recording to the first frame. */
  readonly start: number
  readonly secondsPerFrame: number
}

/** The frames from `from` to `to`, a view. */
export function sliceFrames(logits: Logits, from: number, to: number): Logits {
  const { values, width, start, secondsPerFrame } = logits
  return {
    values: values.subarray(from * width, to * width),
    frames: Math.max(0, to - from),
    width,
    start: start + from * secondsPerFrame,
    secondsPerFrame,
  }
}

/** Both, one behind the other; times are those of the first. */
export function joinFrames(first: Logits, second: Logits): Logits {
  const values = new Float32Array(first.values.length + second.values.length)
  values.set(first.values)
  values.set(second.values, first.values.length)
  return { ...first, values, frames: first.frames + second.frames }
}

/** The frame at a time, from 0 to `frames`. */
export function frameAt({ start, secondsPerFrame, frames }: Logits, seconds: number): number {
  return Math.min(frames, Math.max(0, Math.round((seconds - start) / secondsPerFrame)))
}

/** The likeliest column of a frame. */
export function bestColumn({ values, width }: Logits, frame: number): number {
  let best = 0
  const at = frame * width
  for (let i = 1; i < width; i++) if (values[at + i]! > values[at + best]!) best = i
  return best
}
