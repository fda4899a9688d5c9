import { equalBytes } from '@sotto/protocol/bytes'
import { encodeOnnx, parseOnnx } from '@sotto/protocol/onnx'
import { applyParameters, type TrainGraph } from '@sotto/protocol/train-graph'
import { columnsOf, requireFeatures } from '../data/features.ts'
import type { Feature } from '../data/types.ts'
import { roomTrainError } from '../errors.ts'
import { FOREST_OUTPUT, forestToOnnx } from '../gbdt/to-onnx.ts'
import { type Forest, scoreForest } from '../gbdt/tree.ts'
import type { Stream } from '../random/streams.ts'
import type { ScoreSession } from '../step/score.ts'
import { innerName, withRawFeatures } from './raw-features.ts'
import { requireReload } from './reload-onnx.ts'

/** A model whose weights were trained. */
export interface TrainedGraph {
  readonly graph: Pick<TrainGraph, 'forward' | 'parameters'>
  /** The output of the forward graph that the loss was of. */
  readonly output: string
  /** Of each parameter. */
  readonly values: readonly Float32Array[]
  readonly features: readonly Feature[]
  /** Scores by the weights in memory. */
  readonly scorer: ScoreSession
  /** Of chance for the rows that are tried. */
  readonly stream: Stream
}

/**
 * Bytes of the trained model in ONNX, which reads columns as they stand in a table (see `withRawFeatures`). They are given
 * out only after they were read again: every weight is, to the bit, the one in memory, and made-up rows have the scores that
 * the trainer gives them.
 * @throws `ROOM_TRAIN_RELOAD`, `ROOM_TRAIN_GRAPH`, `ROOM_TRAIN_SETTINGS`, `GRAPH_TARGET`
 */
export async function exportOnnx(of: TrainedGraph): Promise<Uint8Array> {
  const { graph, output, values, features, scorer, stream } = of
  const bytes = encodeOnnx(withRawFeatures(applyParameters(graph, values), features, output))
  requireWeights(bytes, of)
  await requireReload(bytes, features, (part) => scorer.score(values, part), stream)
  return bytes
}

/**
 * As {@link exportOnnx}, of trees.
 * @throws `ROOM_TRAIN_RELOAD`, `ROOM_TRAIN_SETTINGS`
 */
export async function exportForest(
  forest: Forest,
  features: readonly Feature[],
  stream: Stream,
): Promise<Uint8Array> {
  const part = { columns: columnsOf(features), width: requireFeatures(features) }
  const bare = parseOnnx(forestToOnnx(forest, part))
  const bytes = encodeOnnx(withRawFeatures(bare, features, FOREST_OUTPUT))
  await requireReload(bytes, features, (rows) => Promise.resolve(scoreForest(forest, rows)), stream)
  return bytes
}

function requireWeights(bytes: Uint8Array, { graph, values }: TrainedGraph): void {
  const written = new Map(parseOnnx(bytes).initializers.map(({ name, data }) => [name, data]))
  for (const [at, { name }] of graph.parameters.entries()) {
    const { buffer, byteOffset, byteLength } = values[at]!
    const data = written.get(innerName(name))
    if (!data || !equalBytes(data, new Uint8Array(buffer, byteOffset, byteLength)))
      throw roomTrainError('ROOM_TRAIN_RELOAD', 'a weight that was written is not that in memory')
  }
}
