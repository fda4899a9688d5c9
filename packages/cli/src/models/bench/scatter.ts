import { escape, ticks } from './markup.ts'

/** A point with its name. */
export interface Point {
  readonly label: string
  readonly x: number
  readonly y: number
}

/** A scatter plot: what its axes are, and the points. */
export interface Scatter {
  readonly title: string
  readonly xTitle: string
  readonly yTitle: string
  readonly points: readonly Point[]
}

/** The picture is drawn for a phone, and grows with what there is: its letters are 11 units. */
const [WIDTH, HEIGHT] = [330, 260]
const FRAME = { left: 50, right: 14, top: 14, bottom: 44 }
const LETTER = 6.8
const LINE = 13

interface Box {
  readonly x: number
  readonly y: number
  readonly width: number
  readonly height: number
}

/** Draws it as one SVG. The points are joined in the order of `x`, where more than two lie on a line of trade-offs. */
export function drawScatter({ title, xTitle, yTitle, points }: Scatter): string {
  const xs = ticks(Math.min(...points.map(({ x }) => x)), Math.max(...points.map(({ x }) => x)), 5)
  const ys = ticks(Math.min(...points.map(({ y }) => y)), Math.max(...points.map(({ y }) => y)), 5)
  const x = scale(xs, FRAME.left, WIDTH - FRAME.right)
  const y = scale(ys, HEIGHT - FRAME.bottom, FRAME.top)
  const bottom = HEIGHT - FRAME.bottom
  const marks = points.map((point) => ({ label: point.label, x: x(point.x), y: y(point.y) }))
  const parts = [
    `<title>${escape(title)}</title>`,
    ...ys.flatMap((tick) => [
      `<line class="grid" x1="${FRAME.left}" x2="${WIDTH - FRAME.right}" y1="${at(y(tick))}" y2="${at(y(tick))}"/>`,
      `<text x="${FRAME.left - 7}" y="${at(y(tick) + 4)}" text-anchor="end">${tick}</text>`,
    ]),
    ...xs.map(
      (tick) =>
        `<text x="${at(x(tick))}" y="${bottom + 17}" text-anchor="middle">${escape(`${tick}`)}</text>`,
    ),
    `<line class="axis" x1="${FRAME.left}" x2="${WIDTH - FRAME.right}" y1="${bottom}" y2="${bottom}"/>`,
    `<text x="${(FRAME.left + WIDTH - FRAME.right) / 2}" y="${HEIGHT - 8}" text-anchor="middle">${escape(xTitle)}</text>`,
    `<text transform="translate(12 ${(FRAME.top + bottom) / 2}) rotate(-90)" text-anchor="middle">${escape(yTitle)}</text>`,
    ...marks.map((mark) => `<circle cx="${at(mark.x)}" cy="${at(mark.y)}" r="4.5"/>`),
    ...placeLabels(marks).map(
      ({ label, x: left, y: base, anchor }) =>
        `<text class="label" x="${at(left)}" y="${at(base)}" text-anchor="${anchor}">${escape(label)}</text>`,
    ),
  ]
  return `<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${escape(title)}">${parts.join('')}</svg>`
}

/** A name where it is drawn: `x` is where it starts, ends or has its middle. */
interface Label {
  readonly label: string
  readonly x: number
  readonly y: number
  readonly anchor: 'start' | 'middle' | 'end'
}

/** Where a name may stand: beside its point first, then above, below, and at its corners. */
const PLACES: readonly (readonly [right: number, down: number, anchor: Label['anchor']])[] = [
  [8, 4, 'start'],
  [-8, 4, 'end'],
  [0, -9, 'middle'],
  [0, 17, 'middle'],
  [7, -6, 'start'],
  [7, 14, 'start'],
  [-7, -6, 'end'],
  [-7, 14, 'end'],
  [8, 24, 'start'],
  [8, -18, 'start'],
]

/** A place for each name where it covers neither another name nor a point; the first if there is none. */
function placeLabels(marks: readonly { label: string; x: number; y: number }[]): Label[] {
  const taken: Box[] = marks.map(({ x, y }) => ({ x: x - 5, y: y - 5, width: 10, height: 10 }))
  return marks.map(({ label, x, y }) => {
    const places = PLACES.map(([right, down, anchor]) => ({ label, x: x + right, y: y + down, anchor }))
    const chosen =
      places.find((place) => {
        const box = boxOf(place)
        return isInside(box) && !taken.some((other) => overlap(box, other))
      }) ?? places[0]!
    taken.push(boxOf(chosen))
    return chosen
  })
}

function boxOf({ label, x, y, anchor }: Label): Box {
  const width = label.length * LETTER
  const share = { start: 0, middle: 0.5, end: 1 }[anchor]
  return { x: x - share * width, y: y - LINE + 3, width, height: LINE }
}

function isInside({ x, y, width, height }: Box): boolean {
  return x >= FRAME.left && x + width <= WIDTH && y >= 0 && y + height <= HEIGHT - FRAME.bottom
}

function overlap(a: Box, b: Box): boolean {
  return a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height
}

function scale(range: readonly number[], from: number, to: number): (value: number) => number {
  const [low, high] = [range[0]!, range.at(-1)!]
  return (value) => from + ((value - low) / (high - low)) * (to - from)
}

function at(value: number): string {
  return value.toFixed(1)
}
