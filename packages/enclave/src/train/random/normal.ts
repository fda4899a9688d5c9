import type { Stream } from './streams.ts'

/** Layers, each of the same area (Doornik, "An Improved Ziggurat Method to Generate Normal Random Samples", 2005). */
const LAYERS = 128
/** Where the tail begins, and the area of each layer. */
const TAIL = 3.442619855899
const AREA = 9.91256303526217e-3
/** Right ends of the layers from the lowest to nothing, heights there, and part of each that lies under the curve at once. */
const ENDS = new Float64Array(LAYERS + 1)
const HEIGHTS = new Float64Array(LAYERS + 1)
const INSIDE = new Float64Array(LAYERS)

fillLayers()

/**
 * Fills with normally distributed numbers of mean 0 and deviation 1 (Marsaglia and Tsang's ziggurat, in Doornik's form), in
 * doubles. Places in a layer are of 53 bits, those of the tail of 64.
 */
export function fillNormal(stream: Stream, into: Float64Array): void {
  for (let at = 0; at < into.length; at++) into[at] = normal(stream)
}

function normal(stream: Stream): number {
  for (;;) {
    // Of 64 bits a place takes 53, the layer 7 and the sign 1: they are bits of their own.
    const high = stream.word()
    const low = stream.word()
    const place = (high * 0x20_0000 + (low >>> 11)) * 2 ** -53
    const layer = low & (LAYERS - 1)
    // Without a branch, which would be wrong every second time.
    const sign = 1 - ((low >>> 6) & 2)
    const value = place * ENDS[layer]!
    if (place < INSIDE[layer]!) return sign * value
    if (layer === 0) return sign * tail(stream)
    const height = HEIGHTS[layer]! + stream.uniform() * (HEIGHTS[layer + 1]! - HEIGHTS[layer]!)
    if (height < density(value)) return sign * value
  }
}

/** A number past the beginning of the tail (Marsaglia 1964). */
function tail(stream: Stream): number {
  for (;;) {
    const past = -Math.log(stream.uniform()) / TAIL
    if (-2 * Math.log(stream.uniform()) >= past * past) return TAIL + past
  }
}

/** Without the factor that makes it one of probability. */
function density(value: number): number {
  return Math.exp(-0.5 * value * value)
}

function fillLayers(): void {
  // The lowest layer is a box as wide as its area needs, of which what is past the beginning of the tail stands for the tail.
  ENDS[0] = AREA / density(TAIL)
  ENDS[1] = TAIL
  for (let layer = 2; layer < LAYERS; layer++) {
    const below = ENDS[layer - 1]!
    ENDS[layer] = Math.sqrt(-2 * Math.log(AREA / below + density(below)))
  }
  for (let layer = 0; layer <= LAYERS; layer++) HEIGHTS[layer] = density(ENDS[layer]!)
  for (let layer = 0; layer < LAYERS; layer++) INSIDE[layer] = ENDS[layer + 1]! / ENDS[layer]!
}
