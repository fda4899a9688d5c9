import type { ForwardWriter } from './writer.ts'

/** Rotary positions of neighbours (`LLAMA_ROPE_TYPE_NORM`): each two numbers that stand together are one pair. */
export interface RopeSettings {
  readonly sequence: number
  /** Numbers of a head. */
  readonly width: number
  /** Numbers at its beginning that are rotated; even. */
  readonly rotated: number
  readonly base: number
  /** What positions are divided by. */
  readonly linear: number
  /** What the angle of each pair is divided by. */
  readonly factors?: Float32Array
}

/** Tables that {@link rotate} takes. */
export interface Rope {
  /** [width, width]: x · swap has each pair exchanged, its first number negative. */
  readonly swap: string
  /** [sequence, width]. */
  readonly cos: string
  readonly sin: string
}

/** Adds the tables. */
export function ropeTables(w: ForwardWriter, settings: RopeSettings): Rope {
  const { sequence, width, rotated, base, linear, factors } = settings
  const swap = new Float32Array(width * width)
  const cos = new Float32Array(sequence * width).fill(1)
  const sin = new Float32Array(sequence * width)
  for (let pair = 0; pair < rotated / 2; pair++) {
    const [first, second] = [2 * pair, 2 * pair + 1]
    swap[second * width + first] = -1
    swap[first * width + second] = 1
    const frequency = base ** (-first / rotated) / linear / (factors?.[pair] ?? 1)
    for (let position = 0; position < sequence; position++)
      for (const place of [first, second]) {
        cos[position * width + place] = Math.cos(position * frequency)
        sin[position * width + place] = Math.sin(position * frequency)
      }
  }
  return {
    swap: w.reals([width, width], swap),
    cos: w.reals([sequence, width], cos),
    sin: w.reals([sequence, width], sin),
  }
}

/** Rotates heads [.., sequence, width]. The exchange is a product, which runtimes do faster than they cut pairs apart. */
export function rotate(w: ForwardWriter, x: string, { swap, cos, sin }: Rope): string {
  const other = w.add('Mul', [w.add('MatMul', [x, swap]), sin])
  return w.add('Add', [w.add('Mul', [x, cos]), other])
}
