import { Tensor } from 'onnxruntime-node'
import type { Part } from '../data/part.ts'
import { gradientOutput, parameterInput, type StepGraph } from './graph.ts'
import { featuresOf, floatsOf, labelsOf, openGraph, parameterFeeds, runGraph } from './open-graph.ts'

/** Sums gradients of rows. One at a time: it blocks the process while it computes. */
export interface StepSession {
  readonly graph: StepGraph
  /**
   * Adds the gradients of rows of one input, small batch after small batch, in this order, in doubles.
   * @returns sum of their losses, which tells of the rows
   */
  sum(
    values: readonly Float32Array[],
    part: Part,
    rows: Uint32Array,
    into: readonly Float64Array[],
  ): Promise<number>
  close(): Promise<void>
}

/** @throws `ROOM_TRAIN_GRAPH` */
export async function openStep(graph: StepGraph, threads = 1): Promise<StepSession> {
  const { parameters, microBatch, data, target, weight, losses } = graph
  const gradients = parameters.map((_, at) => gradientOutput(at))
  const outputs = [...gradients, losses]
  const inputs = [...parameters.map((_, at) => parameterInput(at)), data.name, target.name, weight]
  const session = await openGraph(graph, { inputs, outputs }, threads)
  return {
    graph,
    sum: async (values, part, rows, into) => {
      const fixed = parameterFeeds(parameters, values)
      let loss = 0
      for (let from = 0; from < rows.length; from += microBatch) {
        const batch = rows.subarray(from, from + microBatch)
        const weights = new Float32Array(microBatch).fill(1, 0, batch.length)
        const found = await runGraph(
          session,
          {
            ...fixed,
            [data.name]: featuresOf(part, batch, graph),
            [target.name]: labelsOf(part, batch, target),
            [weight]: new Tensor('float32', weights, [microBatch]),
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
