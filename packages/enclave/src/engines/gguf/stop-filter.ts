/** What {@link StopFilter} lets through. */
export interface Filtered {
  /** Text that cannot be part of a stop string any more. */
  readonly text: string
  /** A stop string is complete; nothing after this is part of the answer. */
  readonly stopped: boolean
}

/**
 * Ends text at the stop string that begins first, however tokens cut it, and holds back what may still become
 * one: also a stop string that is complete while an earlier one may still be.
 */
export class StopFilter {
  private readonly stops: readonly string[]
  private held = ''

  constructor(stops: readonly string[]) {
    this.stops = stops
  }

  /** Takes the next piece of text. */
  push(piece: string): Filtered {
    this.held += piece
    const end = this.firstStop()
    const keep = Math.max(0, ...this.stops.map((stop) => overlap(this.held, stop)))
    const pending = this.held.length - keep
    if (end <= pending && end < this.held.length) {
      const text = this.held.slice(0, end)
      this.held = ''
      return { text, stopped: true }
    }
    const text = this.held.slice(0, pending)
    this.held = this.held.slice(text.length)
    return { text, stopped: false }
  }

  /** What was held back, at the end of the answer. */
  flush(): string {
    const text = this.held.slice(0, this.firstStop())
    this.held = ''
    return text
  }

  /** Where the first complete stop string begins; the length of what is held where there is none. */
  private firstStop(): number {
    const starts = this.stops.map((stop) => this.held.indexOf(stop)).filter((at) => at >= 0)
    return Math.min(this.held.length, ...starts)
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
