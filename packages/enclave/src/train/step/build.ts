import { encodeOnnx, type OnnxPort } from '@sotto/protocol/onnx'
import {
  buildEvaluation,
  buildTrainGraph,
  type TrainGraph,
  type TrainSpec,
} from '@sotto/protocol/train-graph'
import { roomTrainError } from '../errors.ts'
import type { DataInput, ScoreGraph, StepGraph, TargetInput } from './graph.ts'

/** Graphs of a model that reads tables. */
export interface TableGraphs {
  readonly step: StepGraph
  readonly score: ScoreGraph
  /** What is released with trained weights in it: see `applyParameters`. */
  readonly graph: Pick<TrainGraph, 'forward' | 'parameters'>
  /** Digest of the train graph, as parties compute it. */
  readonly digest: string
}

/**
 * Builds the graphs of a spec.
 * @param classes of the label; 0 for numbers
 * @throws `ROOM_TRAIN_GRAPH` for a model that does not read rows of numbers, and say one thing of each; `GRAPH_NO_RULE`,
 *   `GRAPH_SHAPE`, `GRAPH_LOSS`, `GRAPH_TARGET`, `GRAPH_PRIVACY`
 */
export function buildGraphs(spec: TrainSpec, classes: number): TableGraphs {
  const { microBatch, clip } = spec
  // Encoded rows are numbers from -1 to 1, whatever a table holds.
  const graph = buildTrainGraph({ ...spec, hasFiniteData: true })
  const evaluation = buildEvaluation(spec)
  const { parameters } = graph
  const shared = { parameters, microBatch, data: dataOf(graph.data), target: targetOf(graph.target, classes) }
  const [scores] = evaluation.outputs
  return {
    step: {
      ...shared,
      model: encodeOnnx(graph.model),
      weight: graph.weight,
      losses: graph.losses,
      ...(clip !== undefined && { clip }),
    },
    score: {
      ...shared,
      model: encodeOnnx(evaluation.model),
      scores: scores.name,
      outputs: countOf(scores) / microBatch,
    },
    graph: { forward: graph.forward, parameters },
    digest: graph.digest,
  }
}

function dataOf(data: readonly OnnxPort[]): DataInput {
  const [port] = data
  const width = port?.dims?.[1]
  if (data.length !== 1 || port?.type !== 'float32' || port.dims?.length !== 2 || typeof width !== 'number')
    throw roomTrainError('ROOM_TRAIN_GRAPH', 'the model does not read rows of numbers')
  return { name: 'x.0', width }
}

function targetOf(port: OnnxPort, classes: number): TargetInput {
  const { name, type } = port
  if (type !== 'float32' && type !== 'int64')
    throw roomTrainError('ROOM_TRAIN_GRAPH', 'the loss takes labels of another type')
  return { name, type, dims: dimsOf(port), classes }
}

function dimsOf({ dims = [] }: OnnxPort): number[] {
  return dims.map(Number)
}

function countOf(port: OnnxPort): number {
  return dimsOf(port).reduce((count, size) => count * size, 1)
}
