import { formatBytes } from '../../terminal/index.ts'
import type { Figures, SpeechFigures, TextFigures } from './figures.ts'

/** A column: its title, and what stands in it. */
type Column<Row> = readonly [title: string, cell: (row: Row) => string]

export const TEXT_COLUMNS: readonly Column<TextFigures>[] = [
  ['model', ({ file }) => file],
  ['quantization', ({ quantization }) => quantization],
  ['size', ({ bytes }) => formatBytes(bytes)],
  ['bits/weight', ({ bitsPerWeight }) => bitsPerWeight?.toFixed(2) ?? '-'],
  ['memory', ({ memoryBytes }) => formatBytes(memoryBytes)],
  ['time/token', ({ msPerToken }) => `${milliseconds(msPerToken)} ms`],
  ['prompt', ({ promptTokensPerSecond }) => `${Math.round(promptTokensPerSecond)} tok/s`],
  [
    'perplexity',
    ({ perplexity, perplexityError }) => `${perplexity.toFixed(4)} ± ${perplexityError.toFixed(2)}`,
  ],
]

export const SPEECH_COLUMNS: readonly Column<SpeechFigures>[] = [
  ['model', ({ file }) => file],
  ['engine', ({ quantization }) => quantization],
  ['size', ({ bytes }) => formatBytes(bytes)],
  ['memory', ({ memoryBytes }) => formatBytes(memoryBytes)],
  ['recordings', ({ recordings, audioSeconds }) => `${recordings} (${audioSeconds.toFixed(1)} s)`],
  ['RTF', ({ realTimeFactor }) => realTimeFactor.toFixed(4)],
  ['WER', ({ wordErrorRate }) => percent(wordErrorRate)],
  ['CER', ({ characterErrorRate }) => percent(characterErrorRate)],
]

/** Text models, then speech models, each as aligned lines with a head. */
export function formatTable(rows: readonly Figures[]): string[] {
  const texts = rows.filter((row) => row.kind === 'text')
  const speech = rows.filter((row) => row.kind === 'speech')
  return [...linesOf(TEXT_COLUMNS, texts), ...linesOf(SPEECH_COLUMNS, speech)]
}

function linesOf<Row>(columns: readonly Column<Row>[], rows: readonly Row[]): string[] {
  if (rows.length === 0) return []
  const cells = [columns.map(([title]) => title), ...rows.map((row) => columns.map(([, cell]) => cell(row)))]
  const widths = columns.map((_, at) => Math.max(...cells.map((line) => line[at]!.length)))
  // Names to the left, figures to the right.
  return cells.map((line) =>
    line
      .map((cell, at) => (at < 2 ? cell.padEnd(widths[at]!) : cell.padStart(widths[at]!)))
      .join('  ')
      .trimEnd(),
  )
}

function milliseconds(value: number): string {
  return value < 10 ? value.toFixed(2) : value < 100 ? value.toFixed(1) : value.toFixed(0)
}

function percent(rate: number | undefined): string {
  return rate === undefined ? '-' : `${(100 * rate).toFixed(1)} %`
}
