/** Of the page around the drawing, from a phone's width on. */
export const PAGE_STYLE = `
:root { color-scheme:light dark; --ink:#1c2024; --soft:#56606b; --line:#dde2e7; --card:#f6f8fa; --page:#fff; --good:#1d6b40; --bad:#b3261e; --open:#7a5a00 }
@media (prefers-color-scheme: dark) {
  :root { --ink:#e8ecf0; --soft:#a4b0bb; --line:#323a43; --card:#1d2228; --page:#14171b; --good:#6fcf97; --bad:#ff8a80; --open:#e3c25a }
}
* { box-sizing:border-box }
body { margin:0; background:var(--page); color:var(--ink); font:16px/1.5 system-ui, sans-serif }
main { max-width:80rem; margin:0 auto; padding:1.5rem 1rem 3rem }
h1 { font-size:1.6rem; line-height:1.25; margin:0 0 .25rem; overflow-wrap:anywhere }
h2 { font-size:1.15rem; margin:2rem 0 .5rem }
p { margin:0 0 .35rem; max-width:46rem }
.about { color:var(--soft); overflow-wrap:anywhere }
.verdict { display:inline-block; margin:.75rem 0 .5rem; padding:.4rem .8rem; border:1px solid; border-radius:.5rem; font-weight:600 }
.good { color:var(--good) }
.bad { color:var(--bad) }
.open { color:var(--open) }
.drawing { overflow-x:auto; margin:0; border:1px solid var(--line); border-radius:.6rem }
.drawing:focus-visible { outline:2px solid var(--soft); outline-offset:2px }
.drawing + p { margin-top:.5rem }
.drawing svg { display:block; margin:0 auto }
table { border-collapse:collapse; width:100%; font-size:.9rem; font-variant-numeric:tabular-nums }
th, td { padding:.5rem .7rem; border-bottom:1px solid var(--line); text-align:left; vertical-align:top; overflow-wrap:anywhere }
th { color:var(--soft); font-weight:600; white-space:nowrap }
th:first-child, td:first-child { padding-left:0 }
td p { margin:0 }
code { font:.85em ui-monospace, monospace; overflow-wrap:anywhere }
.digest { white-space:nowrap }
.soft { color:var(--soft) }
.told { margin:.25rem 0 0; padding-left:.7rem; border-left:3px solid var(--line) }
ul { margin:.25rem 0 0; padding-left:1.2rem; max-width:46rem }
@media (max-width: 56rem) {
  thead { display:none }
  table, tbody, tr, td { display:block }
  tr { padding:.6rem 0; border-bottom:1px solid var(--line) }
  td { padding:.15rem 0; border:0 }
  td[data-title] { display:grid; grid-template-columns:6.5rem 1fr; gap:.7rem }
  td[data-title]::before { content:attr(data-title); color:var(--soft) }
  td:first-child { font-weight:600 }
}
`
