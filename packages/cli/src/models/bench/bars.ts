import { escape } from './markup.ts'

/** A bar with its name and its figure in words. */
export interface Bar {
  readonly label: string
  readonly value: number
  readonly words: string
}

/** Bars from zero, one below the other. Names and figures are text of the page, so that they wrap and can be copied. */
export function drawBars(title: string, note: string, bars: readonly Bar[]): string {
  const most = Math.max(...bars.map(({ value }) => value), Number.MIN_VALUE)
  const rows = bars.map(({ label, value, words }) => {
    const width = ((100 * value) / most).toFixed(2)
    return (
      `<div class="bar"><span class="name">${escape(label)}</span>` +
      `<svg viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true"><rect width="${width}" height="10"/></svg>` +
      `<span class="figure">${escape(words)}</span></div>`
    )
  })
  return `<section><h2>${escape(title)}</h2><p class="note">${escape(note)}</p><div class="bars">${rows.join('')}</div></section>`
}
