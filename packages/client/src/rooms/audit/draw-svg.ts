import { layOut, type LayoutLine } from './layout.ts'
import { PARTY_MARKS, PATTERN_SHAPES } from './party-marks.ts'
import { markup, plain } from './plain.ts'
import {
  type Box,
  BOX_WIDTH,
  drawBox,
  inputBox,
  outputBox,
  round,
  swatch,
  transformBox,
} from './svg-boxes.ts'
import { SVG_STYLE } from './svg-style.ts'
import type { AuditGraph } from './types.ts'
import { count, names, short } from './words.ts'

const MARGIN = 20
/** Between layers: lines need it to turn. */
const CHANNEL = 76
const LEGEND_ROW = 24
const LETTER = 8

/** A line, with the party whose input it carries; absent: what several have in it. */
interface Flow extends LayoutLine {
  mark?: number
}

/**
 * A graph as one SVG: no script, nothing from elsewhere, light or dark as its reader has it. It has its own size; what
 * shows it lets it scroll.
 */
export function drawSvg(graph: AuditGraph): string {
  const boxes = boxesOf(graph)
  const flows = flowsOf(graph)
  const layout = layOut(
    [...boxes].map(([id, { layer, box }]) => ({ id, layer, height: box.height })),
    flows,
  )
  const last = Math.max(...[...boxes.values()].map(({ layer }) => layer))
  const width = 2 * MARGIN + (last + 1) * BOX_WIDTH + last * CHANNEL
  const legend = drawLegend(graph, width)
  const top = legend.height + MARGIN
  const height = top + layout.height + MARGIN
  const x = (layer: number): number => MARGIN + layer * (BOX_WIDTH + CHANNEL)
  const parts = [
    `<title id="room-graph-title">${markup(graph.title)}: what reads what, and who receives it</title>`,
    `<desc id="room-graph-desc">${markup(describe(graph), 20_000)}</desc>`,
    `<style>${SVG_STYLE}</style>`,
    `<defs>${patterns(graph)}<marker id="room-tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto" markerUnits="userSpaceOnUse"><path class="tip" d="M0 0L8 4L0 8z"/></marker></defs>`,
    `<rect class="ground" width="${width}" height="${round(height)}"/>`,
    legend.markup,
    ...flows.map((flow, at) => drawFlow(flow, layout.lines[at]!, x, top)),
    ...[...boxes].map(([id, { layer, box }]) =>
      drawBox(box, x(layer), top + layout.y.get(id)! - box.height / 2),
    ),
  ]
  return `<svg xmlns="http://www.w3.org/2000/svg" class="room-graph" viewBox="0 0 ${width} ${round(height)}" width="${width}" height="${round(height)}" role="img" aria-labelledby="room-graph-title room-graph-desc">${parts.join('\n')}</svg>`
}

/** Inputs and transforms share their names with no other; outputs have names of their own kind. */
const outputId = (name: string): string => `out:${name}`

function boxesOf(graph: AuditGraph): Map<string, { layer: number; box: Box }> {
  const last = Math.max(...graph.transforms.map(({ layer }) => layer)) + 1
  return new Map([
    ...graph.inputs.map((input) => [input.name, { layer: 0, box: inputBox(input, graph) }] as const),
    ...graph.transforms.map(
      (transform) =>
        [transform.name, { layer: transform.layer, box: transformBox(transform, graph) }] as const,
    ),
    ...graph.outputs.map(
      (output) => [outputId(output.name), { layer: last, box: outputBox(output, graph) }] as const,
    ),
  ])
}

function flowsOf({ parties, inputs, transforms, outputs }: AuditGraph): Flow[] {
  const markOf = new Map(
    inputs.map(({ name, owner }) => [name, parties.find((one) => one.name === owner)?.mark]),
  )
  return [
    ...transforms.flatMap(({ name, reads }) =>
      [...new Set(reads)].map((from): Flow => {
        const mark = markOf.get(from)
        return { from, to: name, ...(mark !== undefined && { mark }) }
      }),
    ),
    ...outputs.map(({ name, from }): Flow => ({ from, to: outputId(name) })),
  ]
}

/** A curve from layer to layer, under the boxes. */
function drawFlow(
  { mark }: Flow,
  points: readonly { layer: number; y: number }[],
  x: (layer: number) => number,
  top: number,
): string {
  const start = points[0]!
  let path = `M${x(start.layer) + BOX_WIDTH} ${round(top + start.y)}`
  for (const [at, { layer, y }] of points.entries()) {
    if (at === 0) continue
    const from = x(layer) - CHANNEL
    const isEnd = at === points.length - 1
    const to = x(layer) - (isEnd ? 1 : 0)
    const middle = from + CHANNEL / 2
    path += `C${middle} ${round(top + points[at - 1]!.y)} ${middle} ${round(top + y)} ${to} ${round(top + y)}`
    if (!isEnd) path += `H${x(layer) + BOX_WIDTH}`
  }
  return `<path class="flow${mark === undefined ? '' : ` flow-${mark}`}" d="${path}" marker-end="url(#room-tip)"/>`
}

/** Whose colour is whose, in as many rows as it takes. */
function drawLegend({ parties }: AuditGraph, width: number): { markup: string; height: number } {
  let [x, y] = [MARGIN, MARGIN]
  const parts = parties.map(({ name, mark }) => {
    const own = 20 + name.length * LETTER + 20
    if (x > MARGIN && x + own > width - MARGIN) [x, y] = [MARGIN, y + LEGEND_ROW]
    const part = `${swatch(mark, x, y, 14, 14)}<text class="strong" x="${x + 20}" y="${y + 12}">${markup(name)}</text>`
    x += own
    return part
  })
  return { markup: `<g>${parts.join('')}</g>`, height: y + LEGEND_ROW }
}

function patterns({ parties }: AuditGraph): string {
  return parties
    .map(({ mark }) => {
      const shape = PATTERN_SHAPES[PARTY_MARKS[mark]!.pattern]
      return `<pattern id="room-grain-${mark}" width="8" height="8" patternUnits="userSpaceOnUse"><g class="grain">${shape}</g></pattern>`
    })
    .join('')
}

/** The drawing for those who do not see it. */
function describe({ contract, parties, inputs, transforms, outputs }: AuditGraph): string {
  return [
    `Contract ${short(contract)} of ${count(parties.length, 'party', 'parties')}.`,
    ...inputs.map(({ name, owner, kind }) => `${owner} brings ${name}, ${kind}.`),
    ...transforms.map(({ name, does, reads }) => `${name} reads ${names(reads)}: ${does}.`),
    ...outputs.map(
      ({ name, from, receivers }) => `${name} comes from ${from} and goes to ${names(receivers)}.`,
    ),
  ]
    .map((sentence) => plain(sentence))
    .join(' ')
}
