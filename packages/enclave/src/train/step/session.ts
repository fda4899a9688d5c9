import { Tensor } from 'onnxruntime-node'
import type { Values } from '../../engines/onnx/index.ts'
import type { Part } from '../data/part.ts'
import { type Examples, rowUnits } from '../data/units.ts'
import type { Stream } from '../random/streams.ts'
import { gradientOutput, parameterInput, type StepGraph } from './graph.ts'
import { floatsOf, openGraph, parameterFeeds, runGraph } from './open-graph.ts'
import { tableFeeds } from './table-feeds.ts'

/** A graph of a step, as far as it does not matter what it reads. */
export type SumGraph = Pick<StepGraph, 'model' | 'parameters' | 'microBatch' | 'weight' | 'losses' | 'clip'>

/** Sums gradients of rows. One at a time: it blocks the process while it computes. */
export interface StepSession<Rows extends Examples = Part> {
  readonly graph: SumGraph
  /**
   * Adds the gradients of rows of one input, small batch after small batch, in this order, in doubles.
   * @returns sum of their losses, which tells of the rows
   */
  sum(
    values: readonly Float32Array[],
    part: Rows,
    rows: Uint32Array,
    into: readonly Float64Array[],
  ): Promise<number>
  /** Some rows by chance alone, to try the graph with. */
  madeUp(stream: Stream): Rows
  close(): Promise<void>
}

/** How rows become inputs of a graph. */
export interface Reading<Rows extends Examples> {
  /** Names of the inputs that hold them. */
  readonly inputs: readonly string[]
  /** At most as many rows as the graph takes; what is not filled counts nothing. */
  feeds(part: Rows, rows: Uint32Array): Values
  madeUp(stream: Stream): Rows
}

/** Made-up rows of a table. */
const MADE_UP_ROWS = 16

/** Opens a step over rows of tables. @throws `ROOM_TRAIN_GRAPH` */
export function openStep(graph: StepGraph, threads = 1): Promise<StepSession> {
  const { data, target } = graph
  const reading: Reading<Part> = {
    inputs: [data.name, target.name],
    feeds: tableFeeds(graph),
    madeUp: (stream) => madeUpPart(graph, stream),
  }
  return openSums(graph, reading, threads)
}

/** Opens a step over rows that are read in any way. @throws `ROOM_TRAIN_GRAPH` */
export async function openSums<Rows extends Examples>(
  graph: SumGraph,
  { inputs, feeds, madeUp }: Reading<Rows>,
  threads: number,
): Promise<StepSession<Rows>> {
  const { parameters, microBatch, weight, losses } = graph
  const gradients = parameters.map((_, at) => gradientOutput(at))
  const outputs = [...gradients, losses]
  const ports = { inputs: [...parameters.map((_, at) => parameterInput(at)), ...inputs, weight], outputs }
  const session = await openGraph(graph, ports, threads)
  const weights = new Float32Array(microBatch)
  const weighing = new Tensor('float32', weights, [microBatch])
  return {
    graph,
    madeUp,
    sum: async (values, part, rows, into) => {
      const fixed = parameterFeeds(parameters, values)
      let loss = 0
      for (let from = 0; from < rows.length; from += microBatch) {
        const batch = rows.subarray(from, from + microBatch)
        weights.fill(1, 0, batch.length).fill(0, batch.length)
        const found = await runGraph(
          session,
          {
            ...fixed,
            ...feeds(part, batch),
            [weight]: weighing,
          },
          outputs,
        )
        for (const [index, sum] of into.entries()) {
          const gradient = floatsOf(found, gradients[index]!, sum.length)
          for (let at = 0; at < sum.length; at++) sum[at] = sum[at]! + gradient[at]!
        }
        const each = floatsOf(found, losses, microBatch)
        for (let at = 0; at < batch.length; at++) loss += each[at]!
      }
      return loss
    },
    close: () => session.close(),
  }
}

function madeUpPart({ data, target }: StepGraph, stream: Stream): Part {
  const number = (): number => 2 * stream.uniform() - 1
  return {
    name: 'made up',
    rows: MADE_UP_ROWS,
    width: data.width,
    columns: Array.from({ length: data.width }, (_, start) => ({ kind: 'number' as const, start, width: 1 })),
    values: Float32Array.from({ length: MADE_UP_ROWS * data.width }, number),
    labels: Float32Array.from({ length: MADE_UP_ROWS }, () =>
      target.classes > 0 ? stream.below(target.classes) : number(),
    ),
    units: rowUnits(MADE_UP_ROWS),
  }
}
