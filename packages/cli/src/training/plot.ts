/** One point of a curve. */
export interface PlotPoint {
  /** Steps that were done. */
  step: number
  /** Of that step; undefined where nobody is shown it. */
  loss?: number
}

/** How large a drawing is, in characters. */
export interface PlotSize {
  columns: number
  rows: number
}

const MIN_COLUMNS = 24
const MAX_COLUMNS = 200
const MIN_ROWS = 3
const MAX_ROWS = 60
/** Dots of one Braille character: two beside each other, four under each other. */
const WIDE = 2
const HIGH = 4
const BRAILLE = 0x2800
/** Bit of each dot, by column and row. */
const BITS: readonly (readonly number[])[] = [
  [0x01, 0x02, 0x04, 0x40],
  [0x08, 0x10, 0x20, 0x80],
]
const LABEL = 9

/**
 * Draws loss over steps in Braille dots, with the highest and lowest loss at the left and steps below. Where several points
 * fall on one column of dots, the mean of them is drawn. Every line has at most `columns` characters.
 * @param of steps in all, where the drawing ends at the right
 * @returns no line where no point has a loss
 */
export function drawLoss(points: readonly PlotPoint[], of: number, { columns, rows }: PlotSize): string[] {
  const known = points.filter(
    (point): point is Required<PlotPoint> => point.loss !== undefined && Number.isFinite(point.loss),
  )
  if (known.length === 0) return []
  const width = between(MIN_COLUMNS, Math.floor(columns), MAX_COLUMNS) - LABEL - 1
  const height = between(MIN_ROWS, Math.floor(rows), MAX_ROWS)
  const high = Math.max(...known.map(({ loss }) => loss))
  const low = Math.min(...known.map(({ loss }) => loss))
  const heights = dotsOf(known, { of: Math.max(1, of), width: width * WIDE })
  const cells = new Uint8Array(width * height)
  let before: number | undefined
  for (const [x, loss] of heights.entries()) {
    if (loss === undefined) continue
    // A curve without a slope is in the middle.
    const part = high === low ? 0.5 : (high - loss) / (high - low)
    const y = between(0, Math.round(part * (height * HIGH - 1)), height * HIGH - 1)
    for (const at of reach(before ?? y, y)) mark(cells, x, at, width)
    before = y
  }
  const lines = Array.from({ length: height }, (_, row) => {
    const label = row === 0 ? figure(high) : row === height - 1 ? figure(low) : ''
    const drawn = Array.from(cells.subarray(row * width, (row + 1) * width), (dots) =>
      // A cell without a dot is no character that people see.
      dots === 0 ? ' ' : String.fromCharCode(BRAILLE + dots),
    )
    return `${label.padStart(LABEL)} ${drawn.join('')}`.trimEnd()
  })
  const last = String(Math.max(1, of))
  return [...lines, `${''.padStart(LABEL)} 0${last.padStart(Math.max(last.length, width - 1))}`]
}

/** Mean loss of each column of dots; undefined where no point is. */
function dotsOf(
  points: readonly Required<PlotPoint>[],
  { of, width }: { of: number; width: number },
): (number | undefined)[] {
  const sums = new Float64Array(width)
  const counts = new Uint32Array(width)
  for (const { step, loss } of points) {
    const x = between(0, Math.floor((step / of) * (width - 1)), width - 1)
    sums[x]! += loss
    counts[x]!++
  }
  return Array.from(sums, (sum, x) => (counts[x] === 0 ? undefined : sum / counts[x]!))
}

/** From one height to the next, without a gap; the height before is drawn already. */
function reach(from: number, to: number): number[] {
  const step = Math.sign(to - from)
  const way: number[] = [to]
  for (let at = from + step; step !== 0 && at !== to; at += step) way.push(at)
  return way
}

function mark(cells: Uint8Array, x: number, y: number, width: number): void {
  const cell = Math.floor(y / HIGH) * width + Math.floor(x / WIDE)
  cells[cell]! |= BITS[x % WIDE]![y % HIGH]!
}

/** At most nine characters. */
function figure(value: number): string {
  const text = value.toPrecision(4)
  return text.length <= LABEL ? text : value.toExponential(1)
}

function between(least: number, value: number, most: number): number {
  return Math.min(most, Math.max(least, Number.isNaN(value) ? least : value))
}

const BAR = 24

/** `[####....] 40 of 100 steps, loss 0.4312`. */
export function drawSteps({ step, loss }: PlotPoint, of: number): string {
  const filled = between(0, Math.floor((step / Math.max(1, of)) * BAR), BAR)
  const told = loss === undefined ? '' : `, loss ${figure(loss)}`
  return `[${'#'.repeat(filled)}${'.'.repeat(BAR - filled)}] ${step} of ${of} steps${told}`
}
