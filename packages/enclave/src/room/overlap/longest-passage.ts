/** A state of the automaton: where each next word leads, the length of its longest path, and where a mismatch goes on. */
interface State {
  next: Map<number, number>
  length: number
  link: number
}

/**
 * How long a passage of other texts a text repeats word for word. The text is made into a suffix automaton (Blumer et al.
 * 1985: at most two states a word), and the others are read through it once, in any number of pieces: the time is linear
 * in both, and memory depends on the text alone, which is an output with a bound.
 */
export class LongestPassage {
  readonly #states: State[] = [{ next: new Map(), length: 0, link: -1 }]
  readonly #ids = new Map<string, number>()
  #last = 0
  #at = 0
  #matched = 0
  #longest = 0

  /** Words of the longest passage so far that the text repeats. */
  get longest(): number {
    return this.#longest
  }

  /** Goes on with the text: all of it comes before anything that it is compared with. */
  add(words: Iterable<string>): void {
    for (const word of words) this.#last = this.#extend(this.#last, this.#idOf(word))
  }

  /** What is read next is another text, or another item of one: a passage does not go on in it. */
  startNext(): void {
    this.#at = 0
    this.#matched = 0
  }

  /** Reads on in one of the others. */
  read(words: Iterable<string>): void {
    for (const word of words) {
      const id = this.#ids.get(word)
      if (id === undefined) {
        this.startNext()
        continue
      }
      this.#step(id)
      this.#longest = Math.max(this.#longest, this.#matched)
    }
  }

  #step(id: number): void {
    const states = this.#states
    for (;;) {
      const { next, link } = states[this.#at]!
      const to = next.get(id)
      if (to !== undefined) {
        this.#at = to
        this.#matched++
        return
      }
      if (link === -1) {
        this.#matched = 0
        return
      }
      this.#at = link
      this.#matched = states[link]!.length
    }
  }

  #extend(last: number, id: number): number {
    const states = this.#states
    const added = states.push({ next: new Map(), length: states[last]!.length + 1, link: 0 }) - 1
    let at = last
    for (; at !== -1 && !states[at]!.next.has(id); at = states[at]!.link) states[at]!.next.set(id, added)
    if (at === -1) return added
    const found = states[at]!.next.get(id)!
    if (states[found]!.length === states[at]!.length + 1) {
      states[added]!.link = found
      return added
    }
    const { next, link } = states[found]!
    const copy = states.push({ next: new Map(next), length: states[at]!.length + 1, link }) - 1
    for (; at !== -1 && states[at]!.next.get(id) === found; at = states[at]!.link)
      states[at]!.next.set(id, copy)
    states[found]!.link = copy
    states[added]!.link = copy
    return added
  }

  #idOf(word: string): number {
    const known = this.#ids.get(word)
    if (known !== undefined) return known
    this.#ids.set(word, this.#ids.size)
    return this.#ids.size - 1
  }
}
