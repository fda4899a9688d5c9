/** Random numbers that a seed repeats (xorshift128, Marsaglia 2003). For mutations, never for secrets. */
export class Random {
  #state: [number, number, number, number]

  constructor(seed: number) {
    this.#state = [seed | 0 || 1, 0x9e3779b9, 0x243f6a88, 0xb7e15162]
    for (let i = 0; i < 16; i++) this.next()
  }

  /** 0 to 2^32 - 1. */
  next(): number {
    const [x, y, z, w] = this.#state
    const t = x ^ (x << 11)
    const next = w ^ (w >>> 19) ^ t ^ (t >>> 8)
    this.#state = [y, z, w, next]
    return next >>> 0
  }

  /** 0 to `limit` - 1; 0 for a limit below 1. */
  below(limit: number): number {
    return limit < 1 ? 0 : this.next() % limit
  }

  pick<Item>(items: readonly Item[]): Item {
    return items[this.below(items.length)]!
  }
}
