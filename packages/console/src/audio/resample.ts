/** Makes samples of another rate out of pieces that follow each other. */
export interface Resampler {
  /** What is complete after this piece. */
  take(piece: Float32Array): Float32Array
  /** The rest, once there are no more pieces. */
  end(): Float32Array
}

/** Zero crossings of the filter on each side: more is sharper and slower. */
const ZEROS = 16
/** The filter is looked up at so many places between two samples. */
const STEPS = 256
/** Of the lower of both rates: what is above would come back as another tone. */
const PASS = 0.92

/**
 * Band-limited resampling (a windowed sinc), one channel, across pieces without a seam.
 *
 * @param from rate of the pieces, samples per second
 * @param to rate that is wanted
 */
export function createResampler(from: number, to: number): Resampler {
  if (from === to) return { take: (piece) => piece, end: () => new Float32Array(0) }
  const cut = PASS * Math.min(1, to / from)
  const reach = Math.ceil(ZEROS / cut)
  const filter = lowPass(cut, reach)
  const step = from / to
  /** Samples from `start` of the whole recording on. Silence stands before the first. */
  let held = new Float32Array(reach)
  let start = -reach
  let made = 0
  let given = 0

  function append(piece: Float32Array): void {
    const all = new Float32Array(held.length + piece.length)
    all.set(held)
    all.set(piece, held.length)
    held = all
  }
  function make(limit: number): Float32Array {
    const last = start + held.length - reach - 1
    const count = Math.max(0, Math.min(limit, Math.floor(last / step) + 1) - made)
    const out = new Float32Array(count)
    for (let at = 0; at < count; at++, made++) out[at] = sampleAt(made * step)
    // What no later sample needs goes.
    const needless = Math.max(0, Math.floor(made * step) - reach - start)
    held = held.slice(needless)
    start += needless
    return out
  }
  function sampleAt(place: number): number {
    const whole = Math.floor(place)
    let sum = 0
    for (let at = whole - reach + 1; at <= whole + reach; at++)
      sum += (held[at - start] ?? 0) * filter[Math.round(Math.abs(place - at) * STEPS)]!
    return sum
  }
  return {
    take(piece) {
      given += piece.length
      append(piece)
      return make(Infinity)
    },
    end() {
      append(new Float32Array(2 * reach))
      return make(Math.round(given / step))
    },
  }
}

/** One half of the filter, from its middle on. */
function lowPass(cut: number, reach: number): Float32Array {
  const half = new Float32Array(reach * STEPS + STEPS + 1)
  for (let at = 0; at < reach * STEPS; at++) {
    const x = at / STEPS
    const sinc = x === 0 ? 1 : Math.sin(Math.PI * cut * x) / (Math.PI * cut * x)
    // Blackman: what it lets through of the rest is inaudible.
    const phase = (Math.PI * x) / reach
    half[at] = cut * sinc * (0.42 + 0.5 * Math.cos(phase) + 0.08 * Math.cos(2 * phase))
  }
  return half
}
