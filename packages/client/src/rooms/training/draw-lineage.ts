import { markup, plain } from '../audit/plain.ts'
import { SVG_STYLE } from '../audit/svg-style.ts'
import type { Lineage } from './lineage.ts'
import { type LineageStage, lineageStages } from './stages.ts'

const WIDTH = 720
const MARGIN = 20
const PAD = 14
const ROW = 18
/** Between two parts: an arrow and its words. */
const GAP = 44
/** Of an input, where it is one of several. */
const ITEM_GAP = 10
/** Of 12 px letters; a line of the widest still fits. */
const LINE_CHARACTERS = 84
const MARKS = { pass: '✓', fail: '✗', missing: '–' } as const

/** Of a part of the chain: what it is, in the words of its documents, and its links. */
interface Row {
  text: string
  kind: 'name' | 'strong' | 'text' | 'over'
}

/**
 * A chain as one SVG: no script, nothing from elsewhere, light or dark as its reader has it. Each part is a box with its
 * links, and inputs are boxes of their own, in the colours of their owners.
 */
export function drawLineage(lineage: Lineage): string {
  const stages = lineageStages(lineage)
  const owners = [...new Set(lineage.inputs.flatMap(({ owner }) => owner ?? []))]
  const parts: string[] = []
  let y = MARGIN
  for (const [at, stage] of stages.entries()) {
    if (at > 0) {
      parts.push(drawArrow(stage.by, y))
      y += GAP
    }
    const rows = rowsOf(stage)
    parts.push(drawRows(rows, y))
    y += heightOf(rows)
    for (const { owner, lines } of stage.items) {
      y += ITEM_GAP
      const item = lines.map((text, n): Row => ({ text, kind: n === 0 ? 'strong' : 'text' }))
      parts.push(drawRows(item, y, owner === undefined ? undefined : owners.indexOf(owner)))
      y += heightOf(item)
    }
  }
  if (lineage.software) {
    y += MARGIN + ROW
    parts.push(`<text class="over" x="${MARGIN}" y="${y - 4}">software TEE: not hardware</text>`)
  }
  const height = y + MARGIN
  return `<svg xmlns="http://www.w3.org/2000/svg" class="room-graph" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img" aria-labelledby="lineage-title lineage-desc">${[
    '<title id="lineage-title">Where a model comes from</title>',
    `<desc id="lineage-desc">${markup(describe(stages), 20_000)}</desc>`,
    `<style>${SVG_STYLE}</style>`,
    `<defs><marker id="lineage-tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto" markerUnits="userSpaceOnUse"><path class="tip" d="M0 0L8 4L0 8z"/></marker></defs>`,
    `<rect class="ground" width="${WIDTH}" height="${height}"/>`,
    ...parts,
  ].join('\n')}</svg>`
}

function rowsOf({ lines, links }: LineageStage): Row[] {
  return [
    ...lines.map((text, at): Row => ({ text, kind: at === 0 ? 'name' : 'text' })),
    ...links.flatMap(({ status, what, code, expected, found }): Row[] => [
      { text: `${MARKS[status]} ${what}`, kind: status === 'fail' ? 'over' : 'strong' },
      ...(status === 'pass'
        ? []
        : [
            `expected: ${expected ?? 'that'}`,
            `found: ${found ?? 'none'}${code === undefined ? '' : ` (${code})`}`,
          ].map((text): Row => ({ text: `   ${text}`, kind: 'text' }))),
    ]),
  ]
}

function heightOf(rows: readonly Row[]): number {
  return 2 * PAD + rows.length * ROW - 4
}

/** @param mark of the owner, whose colour is at its left */
function drawRows(rows: readonly Row[], y: number, mark?: number): string {
  const height = heightOf(rows)
  const width = WIDTH - 2 * MARGIN
  return `<g transform="translate(${MARGIN} ${y})">${[
    `<rect class="box" width="${width}" height="${height}" rx="6"/>`,
    ...(mark === undefined
      ? []
      : [`<rect class="ink-${mark}" x="1" y="1" width="6" height="${height - 2}" rx="3"/>`]),
    ...rows.map(
      ({ text, kind }, at) =>
        `<text class="${kind}" x="${PAD + 4}" y="${PAD + 10 + at * ROW}">${markup(text, LINE_CHARACTERS)}</text>`,
    ),
  ].join('')}</g>`
}

function drawArrow(words: string, y: number): string {
  const x = MARGIN + 40
  return `<path class="flow" d="M${x} ${y + 4}V${y + GAP - 5}" marker-end="url(#lineage-tip)"/><text x="${x + 14}" y="${y + GAP / 2 + 4}">${markup(words)}</text>`
}

/** The drawing for those who do not see it. */
function describe(stages: readonly LineageStage[]): string {
  return stages
    .flatMap(({ by, lines, items, links }) => [
      `${by === '' ? '' : `${by} `}${lines[0] ?? ''}.`,
      ...items.map((item) => `${item.lines[0] ?? ''}.`),
      ...links.filter(({ status }) => status === 'fail').map(({ what }) => `It does not hold that: ${what}.`),
    ])
    .map((sentence) => plain(sentence))
    .join(' ')
}
