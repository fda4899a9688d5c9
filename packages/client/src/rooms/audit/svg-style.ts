import { PARTY_MARKS } from './party-marks.ts'

const parties = (theme: 'light' | 'dark'): string =>
  PARTY_MARKS.map((mark, at) => `--party-${at}:${mark[theme]}`).join(';')

/** Of the drawing alone: every rule is under its class, so that it may stand in any page. */
export const SVG_STYLE: string = `
.room-graph { --ink:#1c2024; --soft:#56606b; --line:#8a95a0; --card:#f6f8fa; --edge:#c9d1d9; --track:#dde2e7; --page:#fff; --over:#b3261e; ${parties('light')} }
@media (prefers-color-scheme: dark) {
  .room-graph { --ink:#e8ecf0; --soft:#a4b0bb; --line:#7d8893; --card:#1d2228; --edge:#3d4650; --track:#39424c; --page:#14171b; --over:#ff8a80; ${parties('dark')} }
}
.room-graph text { font:12px system-ui, sans-serif; fill:var(--soft) }
.room-graph .name { font-size:14px; font-weight:600; fill:var(--ink) }
.room-graph .long { font-size:12px }
.room-graph .strong { fill:var(--ink) }
.room-graph .ground { fill:var(--page) }
.room-graph .box { fill:var(--card); stroke:var(--edge) }
.room-graph .flow { fill:none; stroke:var(--line); stroke-width:2 }
.room-graph .tip { fill:var(--line) }
.room-graph .track { fill:var(--track) }
.room-graph .over { fill:var(--over) }
.room-graph .grain { stroke:var(--card); stroke-width:1.6; stroke-linecap:round; fill:none }
${PARTY_MARKS.map((_, at) => `.room-graph .ink-${at} { fill:var(--party-${at}) } .room-graph .flow-${at} { stroke:var(--party-${at}) }`).join('\n')}
`
