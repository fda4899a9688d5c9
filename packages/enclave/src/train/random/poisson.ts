import type { Stream } from './streams.ts'

const NANOS = 1_000_000_000n
/** Bits of a rate. */
const RATE_BITS = 56n
/** Bits that probabilities of gaps are known to, and bits that they are computed with: each step loses less than one. */
const BITS = 96n
const EXACT_BITS = 160n
/** Units of a table, at most: it stays in the fastest cache. */
const MAX_UNITS = 4096
/** A table reaches so many samples far, on the average: one draw in twenty finds none in it. */
const REACH = 3
/** Places that the first bits of a draw lead to. */
const GUIDE_BITS = 12

/**
 * Draws Poisson samples: each unit is in one with the rate's probability, independently of all others, which is what the
 * accountants count on. It draws how many units are left out before the next that is in, so that a step costs what it
 * takes, not what there is.
 *
 * The gaps are found by comparing drawn bits with a table of whole numbers; no logarithm is computed. Given all units before,
 * a unit is in the sample with a probability of at most the rate, and less than 2^-55 under it: the rate is rounded down to
 * one less multiple of 2^-56, and probabilities of the table are of 96 bits, which moves it by less than 2^-91.
 */
export class PoissonSampler {
  readonly #rate: number
  /** After how many units of a table the next one is in, by three words each: the first entry that a draw is below. */
  readonly #words: readonly [Uint32Array, Uint32Array, Uint32Array]
  /** First entry that a draw of these first bits can be below. */
  readonly #guide: Uint16Array

  /** @param rateNanos in billionths: 1 to 1000000000, which takes all */
  constructor(rateNanos: number) {
    this.#rate = rateNanos / 1e9
    const size = Math.min(MAX_UNITS, Math.ceil(REACH / this.#rate))
    const out = (1n << RATE_BITS) - ((BigInt(rateNanos) << RATE_BITS) / NANOS - 1n)
    const words = [new Uint32Array(size), new Uint32Array(size), new Uint32Array(size)] as const
    let left = 1n << EXACT_BITS
    for (let unit = 0; unit < size; unit++) {
      left = (left * out) >> RATE_BITS
      const within = ((1n << EXACT_BITS) - left) >> (EXACT_BITS - BITS)
      for (const [at, word] of words.entries())
        word[unit] = Number((within >> BigInt(64 - 32 * at)) & 0xffff_ffffn)
    }
    this.#words = words
    this.#guide = new Uint16Array(1 << GUIDE_BITS)
    for (let at = 0, entry = 0; at < this.#guide.length; at++) {
      while (entry < size && words[0][entry]! < at * 2 ** (32 - GUIDE_BITS)) entry++
      this.#guide[at] = entry
    }
  }

  /** Units that are in a sample, ascending. @param units how many there are */
  sample(stream: Stream, units: number): Uint32Array {
    if (this.#rate === 1) return Uint32Array.from({ length: units }, (_, unit) => unit)
    const size = this.#words[0].length
    let drawn = new Uint32Array(Math.ceil(units * this.#rate * 1.1) + 64)
    let count = 0
    for (let unit = 0; ;) {
      const gap = this.#gap(stream)
      unit += gap
      if (unit >= units) return drawn.slice(0, count)
      // A whole table without one: what comes after it does not depend on that.
      if (gap === size) continue
      if (count === drawn.length) {
        const grown = new Uint32Array(count * 2)
        grown.set(drawn)
        drawn = grown
      }
      drawn[count++] = unit++
    }
  }

  /** Units that are left out; as many as the table has: none of it is in. */
  #gap(stream: Stream): number {
    const [first] = this.#words
    const word = stream.word()
    let entry = this.#guide[word >>> (32 - GUIDE_BITS)]!
    while (entry < first.length && first[entry]! < word) entry++
    return entry < first.length && first[entry] === word ? this.#decide(stream, entry, word) : entry
  }

  /** The entry where the first word is that of one or more: further words are drawn until they differ. */
  #decide(stream: Stream, from: number, first: number): number {
    const [one, two, three] = this.#words
    const [second, third] = [stream.word(), stream.word()]
    let entry = from
    const isBelow = (): boolean => (second !== two[entry]! ? second < two[entry]! : third < three[entry]!)
    while (entry < one.length && one[entry] === first && !isBelow()) entry++
    return entry
  }
}
