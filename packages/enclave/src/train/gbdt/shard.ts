import type { Part } from '../data/part.ts'
import type { Task } from '../evaluate/figures.ts'
import { binRows, countCells, type FeatureBins } from './bins.ts'
import { gradientsOf } from './gradients.ts'
import { type Histogram, layoutOf, type Split } from './split.ts'

/** A node whose rows are divided. */
export interface NodeSplit {
  readonly node: number
  readonly split: Split
  readonly left: number
  readonly right: number
}

/**
 * Rows of one input, as trees see them: it gives sums, and is told questions. All that it gives is added to what the shards
 * of other parties give, by whoever grows the trees; sums are exact, so that their order does not matter.
 */
export interface GbdtShard {
  /** Rows by label: their count, and the sum of labels or the count of each class. */
  labels(): Promise<Float64Array>
  cells(): Promise<(Float64Array | undefined)[]>
  start(bins: readonly FeatureBins[], base: Float32Array): Promise<void>
  /** Begins a tree, of which all rows are in node 0. @returns sums of gradient and curvature */
  plant(output: number): Promise<[number, number]>
  histograms(nodes: readonly number[]): Promise<Histogram[]>
  divide(splits: readonly NodeSplit[]): Promise<void>
  /** Adds leaves to the scores of rows in their nodes. */
  harvest(leaves: ReadonlyMap<number, number>): Promise<void>
}

/** A shard in this process. */
export function createShard(part: Part, task: Task, outputs: number): GbdtShard {
  const { rows, labels } = part
  const scores = new Float64Array(rows * outputs)
  const gradients = new Float64Array(rows)
  const curvatures = new Float64Array(rows)
  let bins: readonly FeatureBins[] = []
  let columns: (Uint8Array | Uint16Array)[] = []
  let output = 0
  /** Rows of each node. */
  let nodes = new Map<number, Uint32Array>()
  return {
    labels: () => {
      const sums = new Float64Array(1 + Math.max(2, outputs))
      sums[0] = rows
      for (const label of labels)
        if (task === 'number') sums[1] = sums[1]! + snapLabel(label)
        else sums[1 + label]! += 1
      return Promise.resolve(sums)
    },
    cells: () => Promise.resolve(countCells(part)),
    start: (shared, base) => {
      bins = shared
      columns = binRows(part, bins)
      for (let at = 0; at < scores.length; at++) scores[at] = base[at % outputs]!
      return Promise.resolve()
    },
    plant: (place) => {
      output = place
      nodes = new Map([[0, Uint32Array.from({ length: rows }, (_, row) => row)]])
      return Promise.resolve(gradientsOf(task, { scores, labels, outputs, output }, gradients, curvatures))
    },
    histograms: (wanted) => Promise.resolve(wanted.map((node) => histogramOf(nodes.get(node)!))),
    divide: (splits) => {
      for (const { node, split, left, right } of splits) {
        const [yes, no] = divideRows(
          nodes.get(node)!,
          columns[split.feature]!,
          split.bin,
          bins[split.feature]!,
        )
        nodes.delete(node)
        nodes.set(left, yes).set(right, no)
      }
      return Promise.resolve()
    },
    harvest: (leaves) => {
      for (const [node, leaf] of leaves)
        for (const row of nodes.get(node)!) {
          const at = row * outputs + output
          scores[at] = scores[at]! + leaf
        }
      return Promise.resolve()
    },
  }

  function histogramOf(own: Uint32Array): Histogram {
    const { starts, length } = layoutOf(bins)
    const sums = new Float64Array(length)
    // Side by side, for the passes over all features.
    const g = new Float64Array(own.length)
    const h = new Float64Array(own.length)
    for (let at = 0; at < own.length; at++) {
      g[at] = gradients[own[at]!]!
      h[at] = curvatures[own[at]!]!
    }
    for (const [feature, column] of columns.entries()) {
      const start = starts[feature]!
      for (let at = 0; at < own.length; at++) {
        const place = start + 2 * column[own[at]!]!
        sums[place] = sums[place]! + g[at]!
        sums[place + 1] = sums[place + 1]! + h[at]!
      }
    }
    return sums
  }
}

/** A label as sums take it: exact, like gradients. */
function snapLabel(label: number): number {
  return Math.round(label * 2 ** 30) * 2 ** -30
}

function divideRows(
  rows: Uint32Array,
  column: Uint8Array | Uint16Array,
  bin: number,
  { kind }: FeatureBins,
): [Uint32Array, Uint32Array] {
  const isLeft = (row: number): boolean => (kind === 'number' ? column[row]! <= bin : column[row] === bin)
  let count = 0
  for (const row of rows) if (isLeft(row)) count++
  const left = new Uint32Array(count)
  const right = new Uint32Array(rows.length - count)
  let [l, r] = [0, 0]
  for (const row of rows)
    if (isLeft(row)) left[l++] = row
    else right[r++] = row
  return [left, right]
}
