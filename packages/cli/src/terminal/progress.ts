import type { Sink } from './sink.ts'
import { formatBytes } from './bytes.ts'

/** Shows how far a transfer has come. Call `advance` as often as you like. */
export interface Progress {
  advance(bytes: number): void
  /** Ends the line. Safe to call twice, and after an error. */
  end(): void
}

/** Options of {@link createProgress}. */
export interface ProgressOptions {
  sink: Sink
  label: string
  /** Bytes in all; absent when unknown. */
  total?: number
  /** Says nothing at all. */
  quiet: boolean
  /** Milliseconds; decides how often the terminal is redrawn. */
  now(): number
}

const BAR_WIDTH = 24
const REDRAW_MS = 100

/**
 * A bar that redraws itself on a terminal; elsewhere one line for every 10 % (nothing when the total
 * is unknown), so that logs stay readable.
 */
export function createProgress(options: ProgressOptions): Progress {
  if (options.quiet) return { advance: () => {}, end: () => {} }
  return options.sink.isTerminal ? terminalBar(options) : tenPercentLines(options)
}

function terminalBar({ sink, label, total, now }: ProgressOptions): Progress {
  let done = 0
  let drawnAt = -Infinity
  let ended = false
  const draw = (): void => {
    drawnAt = now()
    void sink.write(`\r\u001B[K${barLine(label, done, total)}`)
  }
  return {
    advance(bytes) {
      done += bytes
      if (!ended && now() - drawnAt >= REDRAW_MS) draw()
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

function barLine(label: string, done: number, total: number | undefined): string {
  if (total === undefined) return `${label}  ${formatBytes(done)}`
  const share = total === 0 ? 1 : Math.min(done / total, 1)
  const filled = Math.round(share * BAR_WIDTH)
  const bar = '#'.repeat(filled) + '-'.repeat(BAR_WIDTH - filled)
  return `${label}  [${bar}] ${String(Math.floor(share * 100)).padStart(3)} %  ${formatBytes(done)} of ${formatBytes(total)}`
}

function tenPercentLines({ sink, label, total }: ProgressOptions): Progress {
  let done = 0
  let said = 0
  return {
    advance(bytes) {
      done += bytes
      if (total === undefined || total === 0) return
      const tens = Math.floor(Math.min(done / total, 1) * 10)
      if (tens <= said) return
      said = tens
      void sink.write(`${label}: ${tens * 10} % of ${formatBytes(total)}\n`)
    },
    end() {},
  }
}
