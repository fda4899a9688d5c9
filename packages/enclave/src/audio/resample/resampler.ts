import { kaiserBeta, kaiserLength, lowPassTap } from './kaiser.ts'

/** Designed stop band; tests measure at least 90 dB end to end. */
const ATTENUATION_DB = 100

/** The filter is flat to this part of the lower Nyquist frequency and closed above it. */
const PASS_BAND = 0.9

/** More phases than this are interpolated between; linear interpolation of 512 errs below -100 dB. */
const MAX_EXACT_PHASES = 640
const INTERPOLATED_PHASES = 512

/** Changes the rate of a stream of samples, block by block. */
export interface Resampler {
  /** Samples that became computable. The first output sample stands at the time of the first input sample. */
  push(block: Float32Array): Float32Array
  /** What remains, with silence assumed behind the end: `ceil(inputs * to / from)` samples in all. */
  flush(): Float32Array
}

/** A windowed-sinc polyphase resampler between two whole rates in Hz; none when they are equal. */
export function createResampler(from: number, to: number): Resampler {
  if (from === to) return { push: (block) => block, flush: () => new Float32Array(0) }
  return new PolyphaseResampler(from, to)
}

class PolyphaseResampler implements Resampler {
  readonly #up: number
  readonly #down: number
  readonly #table: Float64Array
  readonly #phases: number
  readonly #taps: number
  readonly #half: number
  /** Input around the next output, beginning at input index `#historyStart`. */
  #history: Float64Array
  #length: number
  #historyStart: number
  #inputs = 0
  #outputs = 0

  constructor(from: number, to: number) {
    const divisor = greatestCommonDivisor(from, to)
    this.#up = to / divisor
    this.#down = from / divisor
    this.#phases = this.#up <= MAX_EXACT_PHASES ? this.#up : INTERPOLATED_PHASES
    const nyquist = Math.min(from, to) / 2 / from
    const width = nyquist * (1 - PASS_BAND)
    this.#half = Math.ceil(kaiserLength(ATTENUATION_DB, width) / 2)
    // Whole groups of four for the loop below.
    this.#taps = Math.ceil((2 * this.#half) / 4) * 4
    this.#table = makeTable(this.#phases, this.#taps, this.#half, nyquist - width / 2)
    this.#history = new Float64Array(4 * this.#taps)
    // Silence before the first sample.
    this.#historyStart = -this.#half
    this.#length = this.#half
  }

  push(block: Float32Array): Float32Array {
    this.#append(block)
    this.#inputs += block.length
    // An output needs the taps up to `taps - half` inputs behind it.
    const ready = Math.ceil(((this.#inputs - (this.#taps - this.#half)) * this.#up) / this.#down)
    return this.#produce(Math.max(this.#outputs, ready))
  }

  flush(): Float32Array {
    const total = Math.ceil((this.#inputs * this.#up) / this.#down)
    this.#append(new Float32Array(this.#taps + 1))
    return this.#produce(total)
  }

  #append(block: Float32Array): void {
    // Drop what no later output reaches.
    const firstNeeded = Math.floor((this.#outputs * this.#down) / this.#up) - this.#half + 1
    const dropped = Math.max(0, Math.min(firstNeeded - this.#historyStart, this.#length))
    if (dropped > 0) {
      this.#history.copyWithin(0, dropped, this.#length)
      this.#length -= dropped
      this.#historyStart += dropped
    }
    if (this.#history.length < this.#length + block.length) {
      const grown = new Float64Array(this.#length + block.length)
      grown.set(this.#history.subarray(0, this.#length))
      this.#history = grown
    }
    this.#history.set(block, this.#length)
    this.#length += block.length
  }

  #produce(until: number): Float32Array {
    const out = new Float32Array(until - this.#outputs)
    const isExact = this.#phases === this.#up
    for (let i = 0; i < out.length; i++) {
      const ticks = (this.#outputs + i) * this.#down
      const index = Math.floor(ticks / this.#up)
      const start = index - this.#half + 1 - this.#historyStart
      const rest = ticks - index * this.#up
      if (isExact) {
        out[i] = this.#dot(start, rest)
      } else {
        const position = (rest / this.#up) * this.#phases
        const phase = Math.floor(position)
        const share = position - phase
        out[i] = (1 - share) * this.#dot(start, phase) + share * this.#dot(start, phase + 1)
      }
    }
    this.#outputs = until
    return out
  }

  #dot(start: number, phase: number): number {
    const history = this.#history
    const table = this.#table
    const taps = this.#taps
    const row = phase * taps
    let a = 0
    let b = 0
    let c = 0
    let d = 0
    for (let j = 0; j < taps; j += 4) {
      a += history[start + j]! * table[row + j]!
      b += history[start + j + 1]! * table[row + j + 1]!
      c += history[start + j + 2]! * table[row + j + 2]!
      d += history[start + j + 3]! * table[row + j + 3]!
    }
    return a + b + (c + d)
  }
}

/** Row p: the taps for an output p / phases of an input step behind tap `half - 1`. One row more closes the circle. */
function makeTable(phases: number, taps: number, half: number, cutoff: number): Float64Array {
  const table = new Float64Array((phases + 1) * taps)
  const beta = kaiserBeta(ATTENUATION_DB)
  for (let p = 0; p <= phases; p++) {
    let sum = 0
    for (let j = 0; j < taps; j++) {
      const tap = lowPassTap(p / phases - (j - half + 1), cutoff, half, beta)
      table[p * taps + j] = tap
      sum += tap
    }
    // Every phase passes a constant unchanged; otherwise silence with an offset would get a tone.
    for (let j = 0; j < taps; j++) table[p * taps + j]! /= sum
  }
  return table
}

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b)
}
