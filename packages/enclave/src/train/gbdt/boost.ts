import type { Part } from '../data/part.ts'
import { roomTrainError } from '../errors.ts'
import type { Task } from '../evaluate/figures.ts'
import { binsOf, type FeatureBins } from './bins.ts'
import { type GbdtSettings, requireGbdtSettings } from './settings.ts'
import type { GbdtShard, NodeSplit } from './shard.ts'
import { findSplit, type Histogram } from './split.ts'
import type { Forest, Tree, TreeNode } from './tree.ts'

/** What trees grow from. */
export interface BoostOptions {
  readonly task: Task
  /** Scores of a row: 1, or of more than two classes one of each. */
  readonly outputs: number
  /** How rows are read: of any input, all have the same. */
  readonly columns: Part['columns']
  /** Inputs of all parties. */
  readonly shards: readonly GbdtShard[]
  readonly settings: GbdtSettings
  /** Called after each round, and awaited. @param done rounds */
  readonly onRound?: (done: number) => Promise<void> | void
  /** Ends it between two rounds. */
  readonly signal?: AbortSignal
}

/**
 * Grows trees by gradient boosting over histograms, whose sums are all that shards tell: the same trees, to the bit, however
 * the rows are divided among them. It gives no guarantee of privacy, and is not for rows that have one.
 * @throws `ROOM_TRAIN_SETTINGS`, `ROOM_TRAIN_EMPTY`, `ROOM_TRAIN_ONE_CLASS`; `ROOM_TRAIN_CANCELLED` when the signal aborts
 */
export async function boost(options: BoostOptions): Promise<Forest> {
  const { task, outputs, columns, shards, settings, onRound, signal } = options
  requireGbdtSettings(settings)
  const labels = sum(await Promise.all(shards.map((shard) => shard.labels())))
  const base = baseOf(task, labels, outputs)
  const cells = await Promise.all(shards.map((shard) => shard.cells()))
  const counts = columns.map(({ kind }, at) =>
    kind === 'number' ? sum(cells.map((own) => own[at]!)) : undefined,
  )
  const bins = binsOf(columns, counts, settings.bins)
  await Promise.all(shards.map((shard) => shard.start(bins, base)))
  const rounds: Tree[][] = []
  while (rounds.length < settings.trees) {
    if (signal?.aborted) throw roomTrainError('ROOM_TRAIN_CANCELLED', 'the training was cancelled')
    const trees: Tree[] = []
    for (let output = 0; output < outputs; output++) trees.push(await grow(shards, bins, output, settings))
    rounds.push(trees)
    await onRound?.(rounds.length)
  }
  return { outputs, base, rounds }
}

/** Scores before the first tree: the mean, or log odds as the classes have them. */
function baseOf(task: Task, labels: Float64Array, outputs: number): Float32Array {
  const [rows = 0, first = 0, second = 0] = labels
  if (rows === 0) throw roomTrainError('ROOM_TRAIN_EMPTY', 'there is no row to train on')
  if (task === 'number') return Float32Array.of(first / rows)
  const classes = labels.subarray(1)
  if (classes.filter((count) => count > 0).length < 2)
    throw roomTrainError('ROOM_TRAIN_ONE_CLASS', 'all labels are of one class')
  if (task === 'two') return Float32Array.of(Math.log(second / first))
  // A class of no row is told from others by nothing.
  return Float32Array.from({ length: outputs }, (_, at) => Math.log(Math.max(classes[at]!, 0.5) / rows))
}

/** A node that may still be divided. */
interface Open {
  readonly node: number
  readonly gradient: number
  readonly curvature: number
  readonly histogram: Histogram
}

async function grow(
  shards: readonly GbdtShard[],
  bins: readonly FeatureBins[],
  output: number,
  settings: GbdtSettings,
): Promise<Tree> {
  const sums = await Promise.all(shards.map((shard) => shard.plant(output)))
  const [gradient, curvature] = sums.reduce(([g, h], [otherG, otherH]) => [g + otherG, h + otherH], [0, 0])
  const nodes: TreeNode[] = [leafOf(gradient, curvature, settings)]
  let open: Open[] = [{ node: 0, gradient, curvature, histogram: (await histogramsOf(shards, [0]))[0]! }]
  for (let level = 1; open.length > 0; level++) {
    const divided: { from: Open; at: NodeSplit }[] = []
    for (const from of open) {
      const split = findSplit(from.histogram, bins, from, settings)
      if (!split) continue
      const [left, right] = [nodes.length, nodes.length + 1]
      const { feature, bin, gradient: g, curvature: h } = split
      const at = bins[feature]!.kind === 'number' ? bins[feature]!.edges[bin]! : bin
      nodes[from.node] = { feature, at, left, right }
      nodes.push(leafOf(g, h, settings), leafOf(from.gradient - g, from.curvature - h, settings))
      divided.push({ from, at: { node: from.node, split, left, right } })
    }
    await Promise.all(shards.map((shard) => shard.divide(divided.map(({ at }) => at))))
    open = level < settings.depth ? await openChildren(shards, divided) : []
  }
  const leaves = new Map(nodes.flatMap((node, at) => ('leaf' in node ? [[at, node.leaf] as const] : [])))
  await Promise.all(shards.map((shard) => shard.harvest(leaves)))
  return nodes
}

/** Histograms of the children: of the lighter ones they are made, and the others are what is left of their parents'. */
async function openChildren(
  shards: readonly GbdtShard[],
  divided: readonly { readonly from: Open; readonly at: NodeSplit }[],
): Promise<Open[]> {
  const lighter = divided.map(({ from, at: { split, left, right } }) =>
    split.curvature * 2 <= from.curvature ? left : right,
  )
  const made = await histogramsOf(shards, lighter)
  return divided.flatMap(({ from, at: { split, left, right } }, index) => {
    const own = made[index]!
    const other = from.histogram.map((value, place) => value - own[place]!)
    const isLeft = lighter[index] === left
    return [
      {
        node: left,
        gradient: split.gradient,
        curvature: split.curvature,
        histogram: isLeft ? own : other,
      },
      {
        node: right,
        gradient: from.gradient - split.gradient,
        curvature: from.curvature - split.curvature,
        histogram: isLeft ? other : own,
      },
    ]
  })
}

async function histogramsOf(shards: readonly GbdtShard[], nodes: readonly number[]): Promise<Histogram[]> {
  const all = await Promise.all(shards.map((shard) => shard.histograms(nodes)))
  return nodes.map((_, at) => sum(all.map((own) => own[at]!)))
}

function leafOf(gradient: number, curvature: number, { lambda, learningRate }: GbdtSettings): TreeNode {
  return { leaf: Math.fround((-learningRate * gradient) / (curvature + lambda)) }
}

function sum(all: readonly Float64Array[]): Float64Array {
  const total = new Float64Array(all[0]?.length ?? 0)
  for (const one of all) for (let at = 0; at < total.length; at++) total[at] = total[at]! + one[at]!
  return total
}
