import type { Part } from '../data/part.ts'

/** Cells between -1 and 1 that numbers are counted in, before bins are made of them. */
export const CELLS = 4096
const HALF = CELLS / 2

/** What a tree asks of a number or a category, by the bins that all parties use. */
export interface FeatureBins {
  readonly kind: 'number' | 'category'
  /** Of a number: first cells of all bins but the first, ascending. */
  readonly edges: readonly number[]
  readonly count: number
}

/** Where a number lies. @param value from -1 to 1 */
export function cellOf(value: number): number {
  const cell = Math.min(CELLS - 1, Math.floor((value + 1) * HALF))
  // The sum may have been rounded up to the next cell.
  return value < edgeOf(cell) ? cell - 1 : cell
}

/** The least number of a cell: exact in single precision. */
export function edgeOf(cell: number): number {
  return cell / HALF - 1
}

/** Rows of a part by cell, of each number; of categories nothing is counted. They add across parties. */
export function countCells({ columns, values }: Part): (Float64Array | undefined)[] {
  return columns.map(({ kind }, column) => {
    if (kind === 'category') return undefined
    const counts = new Float64Array(CELLS)
    for (let at = column; at < values.length; at += columns.length) counts[cellOf(values[at]!)]! += 1
    return counts
  })
}

/**
 * Bins of each feature from the counts of all parties: of a number as equally filled as its cells allow, of a category one
 * for each place.
 * @param most bins of a number
 */
export function binsOf(
  columns: Part['columns'],
  counts: readonly (Float64Array | undefined)[],
  most: number,
): FeatureBins[] {
  return columns.map(({ kind, width }, at) => {
    if (kind === 'category') return { kind, edges: [], count: width }
    const edges = evenEdges(counts[at]!, most)
    return { kind, edges, count: edges.length + 1 }
  })
}

function evenEdges(counts: Float64Array, most: number): number[] {
  let left = counts.reduce((sum, one) => sum + one, 0)
  const edges: number[] = []
  let filled = 0
  for (let cell = 0; cell < CELLS; cell++) {
    const own = counts[cell]!
    // A bin ends before a cell that would fill it past its share; what is left is shared by the bins that are left.
    const share = left / (most - edges.length)
    if (filled > 0 && own > 0 && filled + own / 2 > share && edges.length < most - 1) {
      edges.push(cell)
      left -= filled
      filled = 0
    }
    filled += own
  }
  return edges
}

/** The bin of every row, of each feature. */
export function binRows(
  { columns, values, rows }: Part,
  bins: readonly FeatureBins[],
): (Uint8Array | Uint16Array)[] {
  return columns.map(({ kind }, column) => {
    const { edges, count } = bins[column]!
    const binOfCell = new Uint8Array(CELLS)
    for (const edge of edges) for (let cell = edge; cell < CELLS; cell++) binOfCell[cell]! += 1
    const found = count <= 256 ? new Uint8Array(rows) : new Uint16Array(rows)
    for (let row = 0; row < rows; row++) {
      const value = values[row * columns.length + column]!
      found[row] = kind === 'category' ? value : binOfCell[cellOf(value)]!
    }
    return found
  })
}
