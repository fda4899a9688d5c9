import type { Part } from '../data/part.ts'
import { parameterInput, type ScoreGraph } from './graph.ts'
import { floatsOf, openGraph, parameterFeeds, runGraph } from './open-graph.ts'
import { tableFeeds } from './table-feeds.ts'

/** Says what a model says of rows. */
export interface ScoreSession {
  readonly graph: ScoreGraph
  /** Scores of all rows, `outputs` of each. */
  score(values: readonly Float32Array[], part: Part): Promise<Float32Array>
  close(): Promise<void>
}

/** @throws `ROOM_TRAIN_GRAPH` */
export async function openScore(graph: ScoreGraph, threads = 1): Promise<ScoreSession> {
  const { parameters, microBatch, data, target, scores, outputs } = graph
  const inputs = [
    ...parameters.map((_, at) => parameterInput(at)),
    data.name,
    ...(target ? [target.name] : []),
  ]
  const session = await openGraph(graph, { inputs, outputs: [scores] }, threads)
  const rowFeeds = tableFeeds(graph)
  return {
    graph,
    score: async (values, part) => {
      const fixed = parameterFeeds(parameters, values)
      const all = new Float32Array(part.rows * outputs)
      for (let from = 0; from < part.rows; from += microBatch) {
        const count = Math.min(microBatch, part.rows - from)
        const rows = Uint32Array.from({ length: count }, (_, at) => from + at)
        const feeds = { ...fixed, ...rowFeeds(part, rows) }
        const found = floatsOf(await runGraph(session, feeds, [scores]), scores, microBatch * outputs)
        all.set(found.subarray(0, count * outputs), from * outputs)
      }
      return all
    },
    close: () => session.close(),
  }
}
