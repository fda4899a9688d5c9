import type { Sink } from './sink.ts'
import { formatBytes } from './bytes.ts'
import { printableLine } from './printable.ts'

/** Shows how far something long has come. Call `advance` as often as you like. */
export interface Progress {
  /** So much more is done: bytes, or what `format` counts. */
  advance(amount: number): void
  /** Ends the line. Safe to call twice, and after an error. */
  end(): void
}

/** A line that makes room. */
export interface ProgressLine extends Progress {
  /** Takes it off the terminal, for text of another kind. It is back with the next `advance`. */
  clear(): void
}

/** Options of {@link createProgress}. */
export interface ProgressOptions {
  sink: Sink
  /** Names of files in it are shown as what they are, whatever they hold. */
  label: string
  /** In all; absent when unknown. */
  total?: number
  /** Says nothing at all. */
  quiet: boolean
  /** Milliseconds; decides how often the terminal is redrawn. */
  now(): number
  /** An amount in words. @default bytes */
  format?(amount: number): string
}

const BAR_WIDTH = 24
const REDRAW_MS = 100

/**
 * A bar that redraws itself on a terminal; elsewhere one line for every 10 % (nothing when the total
 * is unknown), so that logs stay readable.
 */
export function createProgress(options: ProgressOptions): ProgressLine {
  if (options.quiet) return { advance: () => {}, clear: () => {}, end: () => {} }
  const shown = { ...options, label: printableLine(options.label) }
  return shown.sink.isTerminal ? terminalBar(shown) : tenPercentLines(shown)
}

function terminalBar({ sink, label, total, now, format = formatBytes }: ProgressOptions): ProgressLine {
  let done = 0
  let drawnAt = -Infinity
  let isDrawn = false
  let ended = false
  const draw = (): void => {
    drawnAt = now()
    isDrawn = true
    const bar = barLine(done, total, format)
    // A line that wraps would stay, once for every time it is drawn.
    const room = Math.max(1, sink.columns - bar.length - 1)
    const name = label.length > room ? `${label.slice(0, room - 1)}…` : label
    void sink.write(`\r\u001B[K${name}${bar}`)
  }
  return {
    advance(amount) {
      done += amount
      if (!ended && (!isDrawn || now() - drawnAt >= REDRAW_MS)) draw()
    },
    clear() {
      if (isDrawn) void sink.write('\r\u001B[K')
      isDrawn = false
    },
    end() {
      if (ended) return
      ended = true
      if (drawnAt === -Infinity) return
      draw()
      void sink.write('\n')
    },
  }
}

function barLine(done: number, total: number | undefined, format: (amount: number) => string): string {
  if (total === undefined) return `  ${format(done)}`
  const share = total === 0 ? 1 : Math.min(done / total, 1)
  const filled = Math.round(share * BAR_WIDTH)
  const bar = '#'.repeat(filled) + '-'.repeat(BAR_WIDTH - filled)
  return `  [${bar}] ${String(Math.floor(share * 100)).padStart(3)} %  ${format(done)} of ${format(total)}`
}

function tenPercentLines({ sink, label, total, format = formatBytes }: ProgressOptions): ProgressLine {
  let done = 0
  let said = 0
  return {
    advance(amount) {
      done += amount
      if (total === undefined || total === 0) return
      const tens = Math.floor(Math.min(done / total, 1) * 10)
      if (tens <= said) return
      said = tens
      void sink.write(`${label}: ${tens * 10} % of ${format(total)}\n`)
    },
    clear() {},
    end() {},
  }
}
