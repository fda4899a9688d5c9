import { type Bar, drawBars } from './bars.ts'
import type { Figures, SpeechFigures, TextFigures } from './figures.ts'
import { escape } from './markup.ts'
import { drawScatter } from './scatter.ts'
import { SPEECH_COLUMNS, TEXT_COLUMNS } from './table.ts'
import { formatBytes } from '../../terminal/index.ts'

/** What a reader has to know to compare the figures with others. */
export interface PageAbout {
  /** Sentences: machine, threads, text, recordings. */
  readonly lines: readonly string[]
}

const MIB = 1024 * 1024

/** One HTML file without scripts or anything from elsewhere: tables and plots of what was measured. */
export function writePage(rows: readonly Figures[], about: PageAbout): string {
  const texts = rows.filter((row) => row.kind === 'text')
  const speech = rows.filter((row) => row.kind === 'speech')
  const body = [
    '<h1>Models, measured</h1>',
    ...about.lines.map((line) => `<p class="about">${escape(line)}</p>`),
    ...(texts.length > 0 ? textPart(texts) : []),
    ...(speech.length > 0 ? speechPart(speech) : []),
  ]
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>Models, measured</title>
<style>${STYLE}</style>
</head>
<body>
<main>
${body.join('\n')}
</main>
</body>
</html>
`
}

function textPart(rows: readonly TextFigures[]): string[] {
  const names = namesOf(rows)
  const bars = (value: (row: TextFigures) => number, words: (row: TextFigures) => string): Bar[] =>
    rows.map((row, at) => ({ label: names[at]!, value: value(row), words: words(row) }))
  const scatter = drawScatter({
    title: 'Perplexity against size of the file',
    xTitle: 'size, MiB',
    yTitle: 'perplexity',
    points: rows.map((row, at) => ({ label: names[at]!, x: row.bytes / MIB, y: row.perplexity })),
  })
  return [
    table(TEXT_COLUMNS, rows),
    '<div class="plots">',
    rows.length > 1
      ? `<section><h2>Quality against size</h2><p class="note">Lower and further to the left is better. The axes do not begin at zero.</p>${scatter}</section>`
      : '',
    drawBars(
      'Time per token',
      'Milliseconds between two tokens of one answer. Shorter is better.',
      bars(
        ({ msPerToken }) => msPerToken,
        ({ msPerToken }) => `${msPerToken.toPrecision(3)} ms`,
      ),
    ),
    drawBars(
      'Prompt',
      'Tokens read in a second. Longer is better.',
      bars(
        ({ promptTokensPerSecond }) => promptTokensPerSecond,
        ({ promptTokensPerSecond }) => `${Math.round(promptTokensPerSecond)} tok/s`,
      ),
    ),
    drawBars(
      'Memory',
      'Most that the process of the engine had at once, with Node and the runtime. Shorter is better.',
      bars(
        ({ memoryBytes }) => memoryBytes,
        ({ memoryBytes }) => formatBytes(memoryBytes),
      ),
    ),
    '</div>',
  ]
}

function speechPart(rows: readonly SpeechFigures[]): string[] {
  const named = rows.map((row) => ({ row, label: row.file }))
  const rated = named.filter(({ row }) => row.wordErrorRate !== undefined)
  return [
    table(SPEECH_COLUMNS, rows),
    '<div class="plots">',
    drawBars(
      'Real-time factor',
      'Time to transcribe over length of the recording. Shorter is better.',
      named.map(({ row, label }) => ({
        label,
        value: row.realTimeFactor,
        words: row.realTimeFactor.toPrecision(3),
      })),
    ),
    rated.length === 0
      ? ''
      : drawBars(
          'Word error rate',
          'Words wrong over words said. Shorter is better.',
          rated.map(({ row, label }) => ({
            label,
            value: row.wordErrorRate!,
            words: `${(100 * row.wordErrorRate!).toFixed(1)} %`,
          })),
        ),
    '</div>',
  ]
}

/** Quantizations where each file has another, else the names of the files. */
function namesOf(rows: readonly TextFigures[]): string[] {
  const names = rows.map(({ quantization }) => quantization)
  return new Set(names).size === names.length
    ? names
    : rows.map(({ file, quantization }) => `${file} ${quantization}`)
}

function table<Row>(
  columns: readonly (readonly [title: string, cell: (row: Row) => string])[],
  rows: readonly Row[],
): string {
  const head = columns.map(([title]) => `<th scope="col">${escape(title)}</th>`).join('')
  const lines = rows.map(
    (row) =>
      `<tr>${columns.map(([title, cell]) => `<td data-title="${title}">${escape(cell(row))}</td>`).join('')}</tr>`,
  )
  return `<div class="table"><table><thead><tr>${head}</tr></thead><tbody>${lines.join('')}</tbody></table></div>`
}

const STYLE = `
:root { color-scheme: light dark; --ink: #1c2024; --soft: #5b6570; --line: #dde2e7; --card: #f6f8fa; --mark: #1f6f9f; --page: #fff }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e8ecf0; --soft: #9aa6b2; --line: #323a43; --card: #1d2228; --mark: #74bdea; --page: #14171b }
}
* { box-sizing: border-box }
body { margin: 0; background: var(--page); color: var(--ink); font: 16px/1.5 system-ui, sans-serif }
main { max-width: 68rem; margin: 0 auto; padding: 1.5rem 1rem 3rem }
h1 { font-size: 1.6rem; margin: 0 0 .5rem }
h2 { font-size: 1.05rem; margin: 0 }
.about { color: var(--soft); margin: 0 0 .25rem; overflow-wrap: anywhere }
.note { color: var(--soft); font-size: .875rem; margin: .1rem 0 .9rem }
.table { overflow-x: auto; margin: 1.25rem 0 }
table { border-collapse: collapse; width: 100%; font-size: .9rem; font-variant-numeric: tabular-nums }
th, td { padding: .45rem .7rem; border-bottom: 1px solid var(--line); white-space: nowrap; text-align: right }
th { color: var(--soft); font-weight: 600 }
th:nth-child(-n+2), td:nth-child(-n+2) { text-align: left }
th:first-child, td:first-child { padding-left: 0 }
.plots { columns: 24rem 2; column-gap: 1rem }
section { background: var(--card); border: 1px solid var(--line); border-radius: .6rem; padding: 1rem; margin-bottom: 1rem; break-inside: avoid }
section > svg { display: block; width: 100%; max-width: 27rem; height: auto }
svg text { font: 11px system-ui, sans-serif; fill: var(--soft) }
svg .label { fill: var(--ink) }
svg .grid { stroke: var(--line) }
svg .axis { stroke: var(--soft) }
svg circle, svg rect { fill: var(--mark) }
.bars { display: grid; grid-template-columns: fit-content(10rem) 1fr max-content; gap: .45rem .7rem; align-items: center; font-size: .9rem }
.bar { display: contents }
.bar svg { width: 100%; height: .9rem; display: block }
.bar .name { overflow-wrap: anywhere }
.bar .figure { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap }
@media (max-width: 48rem) {
  thead { display: none }
  tr { display: block; padding: .5rem 0; border-bottom: 1px solid var(--line) }
  td { display: flex; justify-content: space-between; gap: 1rem; padding: .1rem 0; border: 0; white-space: normal; overflow-wrap: anywhere }
  td::before { content: attr(data-title); color: var(--soft); flex: none }
  td:first-child { font-weight: 600 }
  td:first-child::before { content: none }
}
`
