import type { Chance, Stream } from './streams.ts'

const NANOS = 1_000_000_000n
const BYTES = 7

/**
 * A coin that comes up with a probability of so many billionths, rounded down to a multiple of 2^-56: bytes are drawn until
 * they differ from those of the probability, which takes one in nearly all cases.
 * @param nanos 0 to 1000000000, which always comes up
 */
export function coin(stream: Stream, nanos: number): () => boolean {
  const scaled = (BigInt(nanos) << BigInt(8 * BYTES)) / NANOS
  if (BigInt(nanos) >= NANOS) return () => true
  const digits = Uint8Array.from({ length: BYTES }, (_, at) =>
    Number((scaled >> BigInt(8 * (BYTES - 1 - at))) & 255n),
  )
  const first = digits[0]!
  return () => {
    const drawn = stream.byte()
    if (drawn !== first) return drawn < first
    for (let at = 1; at < BYTES; at++) {
      const next = stream.byte()
      if (next !== digits[at]) return next < digits[at]!
    }
    return false
  }
}

/** Chooses `count` of the items, each set as probable: they are the first of the array afterwards. Fisher and Yates. */
export function choose(stream: Stream, items: Uint32Array, count: number): Uint32Array {
  const most = Math.min(count, items.length - 1)
  for (let at = 0; at < most; at++) {
    const other = at + stream.below(items.length - at)
    const kept = items[at]!
    items[at] = items[other]!
    items[other] = kept
  }
  return items.subarray(0, count)
}

/**
 * Batches that go through all rows of one input, in an order that is drawn anew each time. Without a guarantee only: what
 * is shuffled is no Poisson sample.
 *
 * A batch of all inputs together has `expected` rows; this one gets its share of them, so that all inputs come to their end
 * together. What a step takes follows from its number.
 */
export class ShuffledRows {
  readonly #chance: Chance
  readonly #part: number
  readonly #rows: number
  readonly #total: number
  readonly #expected: number
  #pass = -1
  #order: Uint32Array = new Uint32Array(0)

  constructor(of: { chance: Chance; part: number; rows: number; total: number; expected: number }) {
    this.#chance = of.chance
    this.#part = of.part
    this.#rows = of.rows
    this.#total = of.total
    this.#expected = of.expected
  }

  /** Rows of a step. */
  at(step: number): Uint32Array {
    const first = this.#taken(step)
    const rows = new Uint32Array(Number(this.#taken(step + 1) - first))
    if (rows.length === 0) return rows
    let pass = Number(first / BigInt(this.#rows))
    let place = Number(first % BigInt(this.#rows))
    let order = this.#orderOf(pass)
    for (let at = 0; at < rows.length; at++) {
      if (place === this.#rows) {
        order = this.#orderOf(++pass)
        place = 0
      }
      rows[at] = order[place++]!
    }
    return rows
  }

  /** Rows of this input that all steps before this one took. */
  #taken(step: number): bigint {
    return (BigInt(step) * BigInt(this.#expected) * BigInt(this.#rows)) / BigInt(this.#total)
  }

  #orderOf(pass: number): Uint32Array {
    if (pass !== this.#pass) {
      const all = new Uint32Array(this.#rows)
      for (let at = 0; at < all.length; at++) all[at] = at
      this.#order = choose(this.#chance.stream('sample', pass, this.#part), all, this.#rows)
      this.#pass = pass
    }
    return this.#order
  }
}
