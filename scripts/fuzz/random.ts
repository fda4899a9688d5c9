/**
 * Random numbers that a seed repeats (xorshift128, Marsaglia 2003). For mutations, never for secrets.
 * Each input has numbers of its own, so that one can be made again without those before it.
 */
export class Random {
  #x = 1
  #y = 0
  #z = 0
  #w = 0

  constructor(seed: number, index = 0) {
    this.restart(seed, index)
  }

  /** Begins the numbers of one input of a seed. */
  restart(seed: number, index: number): void {
    this.#x = Math.imul(seed, 0x9e3779b1) ^ 0x68e31da4 || 1
    this.#y = Math.imul(index, 0x85ebca6b) ^ 0x243f6a88
    this.#z = Math.floor(index / 2 ** 32) ^ 0xb7e15162
    this.#w = seed ^ 0x1b873593
    for (let i = 0; i < 12; i++) this.next()
  }

  /** 0 to 2^32 - 1. */
  next(): number {
    const t = this.#x ^ (this.#x << 11)
    this.#x = this.#y
    this.#y = this.#z
    this.#z = this.#w
    this.#w ^= (this.#w >>> 19) ^ t ^ (t >>> 8)
    return this.#w >>> 0
  }

  /** 0 to `limit` - 1; 0 for a limit below 1. */
  below(limit: number): number {
    return limit < 1 ? 0 : this.next() % limit
  }

  pick<Item>(items: readonly Item[]): Item {
    return items[this.below(items.length)]!
  }
}
