import { markup, plain } from './plain.ts'
import type { AuditGraph, GraphBudget, GraphInput, GraphOutput, GraphTransform } from './types.ts'
import { count, names, privacyWords, ruleWords, short, size, spentWords } from './words.ts'

/** One line of a box. */
type Row =
  | { kind: 'name' | 'text' | 'strong'; text: string }
  | { kind: 'party'; text: string; mark: number }
  | { kind: 'bar'; label: string; figures: string; used: number; mark: number }
  | { kind: 'space' }

/** A box of the drawing, before it has a place. */
export interface Box {
  rows: Row[]
  /** Marks of the parties whose data are in it: a strip at its left. */
  marks: number[]
  height: number
}

export const BOX_WIDTH = 264
const PAD = 12
const STRIP = 10
const LEFT: number = STRIP + PAD
/** Characters of a line of 12 px letters; one of the widest still fits. */
const LINE_CHARACTERS = 36
/** Longer names have smaller letters. */
const SHORT_NAME = 24
const HEIGHTS: Readonly<Record<Row['kind'], number>> = {
  name: 20,
  text: 17,
  strong: 17,
  party: 19,
  bar: 34,
  space: 6,
}

function boxOf(rows: Row[], marks: number[]): Box {
  return { rows, marks, height: 2 * PAD + rows.reduce((sum, { kind }) => sum + HEIGHTS[kind], 0) - 4 }
}

const lines = (text: string, kind: 'text' | 'strong' = 'text'): Row[] =>
  wrapped(text).map((line) => ({ kind, text: line }))

/** What a party brings. */
export function inputBox(
  { name, owner, kind, rules, epsilonMicros, deltaTrillionths }: GraphInput,
  graph: AuditGraph,
): Box {
  return boxOf(
    [
      { kind: 'name', text: name },
      ...lines(`${kind} of ${owner}`, 'strong'),
      ...ruleWords(rules, graph).flatMap((rule) => lines(rule)),
      ...(epsilonMicros > 0 ? lines(`${privacyWords(epsilonMicros, deltaTrillionths)} spent in all`) : []),
    ],
    [markOf(owner, graph)],
  )
}

/** What is used of a budget; names and figures that have no room beside each other are under each other. */
function budgetRows(budget: GraphBudget, mark: number): Row[] {
  const { input, isDirect, runs, spentRuns } = budget
  const label = isDirect ? input : `${input} *`
  const figures = `${spentRuns} of ${count(runs, 'run')}`
  const isShort = label.length + figures.length < LINE_CHARACTERS - 2
  return [
    ...(isShort ? [] : lines(label, 'strong')),
    { kind: 'bar', label: isShort ? label : '', figures, used: spentRuns / runs, mark },
    ...spentWords(budget).flatMap((line) => lines(line)),
  ]
}

/** A computation, with a bar for each budget. */
export function transformBox({ name, does, images, runs, budgets }: GraphTransform, graph: AuditGraph): Box {
  return boxOf(
    [
      { kind: 'name', text: name },
      ...lines(does, 'strong'),
      ...lines(images.length === 1 ? `image ${short(images[0]!)}` : `one of ${images.length} images`),
      ...lines(`asked for ${count(runs, 'time')}`),
      { kind: 'space' },
      ...budgets.flatMap((budget) => budgetRows(budget, markOf(budget.owner, graph))),
    ],
    marksOf(
      budgets.map(({ owner }) => owner),
      graph,
    ),
  )
}

/** What leaves, for whom, under which rules. */
export function outputBox(
  { name, receivers, maxBytes, rules, reviewers, owners, released }: GraphOutput,
  graph: AuditGraph,
): Box {
  // Who receives it is in the rows of parties, and the join of all rules only narrower.
  const kept = ruleWords({ ...rules, receivers: graph.parties.map((one) => one.name), review: false }, graph)
  return boxOf(
    [
      { kind: 'name', text: name },
      ...lines('goes to', 'strong'),
      ...receivers.map((party): Row => ({ kind: 'party', text: party, mark: markOf(party, graph) })),
      ...kept.flatMap((rule) => lines(rule)),
      ...(reviewers.length > 0 ? lines(`reviewed by ${names(reviewers)}`) : []),
      ...lines(`at most ${size(maxBytes)}, released ${count(released, 'time')}`),
    ],
    marksOf(owners, graph),
  )
}

/** A box at its place. */
export function drawBox({ rows, marks, height }: Box, x: number, y: number): string {
  const strip = height / marks.length
  const parts = [
    `<rect class="box" width="${BOX_WIDTH}" height="${height}" rx="6"/>`,
    ...marks.map((mark, at) => swatch(mark, 1, at * strip + 1, STRIP, strip - 2)),
  ]
  let top = PAD - 2
  for (const row of rows) {
    parts.push(drawRow(row, top))
    top += HEIGHTS[row.kind]
  }
  return `<g transform="translate(${x} ${round(y)})">${parts.join('')}</g>`
}

function drawRow(row: Row, top: number): string {
  if (row.kind === 'space') return ''
  if (row.kind === 'party')
    return `${swatch(row.mark, LEFT, top + 3, 12, 12)}<text class="strong" x="${LEFT + 20}" y="${top + 13}">${markup(row.text)}</text>`
  if (row.kind !== 'bar')
    return `<text class="${row.kind === 'name' && row.text.length > SHORT_NAME ? 'long name' : row.kind}" x="${LEFT}" y="${top + 14}">${markup(row.text)}</text>`
  const { label, figures, used, mark } = row
  const width = BOX_WIDTH - LEFT - PAD
  // One run of a million is a run.
  const length = Math.max(4, Math.min(1, used) * width)
  return [
    `<text class="strong" x="${LEFT}" y="${top + 14}">${markup(label)}</text>`,
    `<text x="${BOX_WIDTH - PAD}" y="${top + 14}" text-anchor="end">${markup(figures)}</text>`,
    `<rect class="track" x="${LEFT}" y="${top + 20}" width="${width}" height="7" rx="3"/>`,
    used > 0
      ? `<rect class="${used > 1 ? 'over' : `ink-${mark}`}" x="${LEFT}" y="${top + 20}" width="${round(length)}" height="7" rx="3"/>`
      : '',
  ].join('')
}

/** A field in colour and pattern of a party. */
export function swatch(mark: number, x: number, y: number, width: number, height: number): string {
  const at = `x="${x}" y="${round(y)}" width="${width}" height="${round(height)}" rx="3"`
  return `<rect class="ink-${mark}" ${at}/><rect fill="url(#room-grain-${mark})" ${at}/>`
}

function markOf(party: string, { parties }: AuditGraph): number {
  return parties.find(({ name }) => name === party)?.mark ?? 0
}

function marksOf(owners: readonly string[], graph: AuditGraph): number[] {
  return [...new Set(owners.map((owner) => markOf(owner, graph)))]
}

/** A text in lines that fit, at its spaces; a longer word is cut. */
function wrapped(text: string): string[] {
  const out: string[] = []
  let line = ''
  for (const word of plain(text).split(' ')) {
    const longer = line === '' ? word : `${line} ${word}`
    if (longer.length <= LINE_CHARACTERS) line = longer
    else {
      if (line !== '') out.push(line)
      line = plain(word, LINE_CHARACTERS)
    }
  }
  return [...out, line]
}

export function round(value: number): string {
  return String(Math.round(value * 10) / 10)
}
