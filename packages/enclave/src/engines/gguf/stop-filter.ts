/** What {@link StopFilter} lets through. */
export interface Filtered {
  /** Text that cannot be part of a stop string any more. */
  readonly text: string
  /** A stop string is complete; nothing after this is part of the answer. */
  readonly stopped: boolean
}

/** Ends text at the first stop string, however tokens cut it, and holds back what may still become one. */
export class StopFilter {
  private readonly stops: readonly string[]
  private held = ''

  constructor(stops: readonly string[]) {
    this.stops = stops
  }

  /** Takes the next piece of text. */
  push(piece: string): Filtered {
    this.held += piece
    let end = -1
    for (const stop of this.stops) {
      const at = this.held.indexOf(stop)
      if (at >= 0 && (end < 0 || at < end)) end = at
    }
    if (end >= 0) {
      const text = this.held.slice(0, end)
      this.held = ''
      return { text, stopped: true }
    }
    const keep = Math.max(0, ...this.stops.map((stop) => overlap(this.held, stop)))
    const text = this.held.slice(0, this.held.length - keep)
    this.held = this.held.slice(text.length)
    return { text, stopped: false }
  }

  /** What was held back, at the end of the answer. */
  flush(): string {
    const text = this.held
    this.held = ''
    return text
  }

  /** Whether text is held back. */
  get isHolding(): boolean {
    return this.held !== ''
  }
}

/** Length of the longest end of `text` that begins `stop`. */
function overlap(text: string, stop: string): number {
  for (let length = Math.min(text.length, stop.length - 1); length > 0; length--) {
    if (text.endsWith(stop.slice(0, length))) return length
  }
  return 0
}
