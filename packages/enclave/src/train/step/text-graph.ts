import type { GgufFile } from '@sotto/protocol/gguf'
import { countOf, encodeOnnx, type OnnxModel } from '@sotto/protocol/onnx'
import {
  addLora,
  buildEvaluation,
  buildTrainGraph,
  ggufForward,
  type LoraSpec,
  type TrainSpec,
} from '@sotto/protocol/train-graph'
import { roomTrainError } from '../errors.ts'
import { type AdapterPlan, planAdapter } from '../export/adapter.ts'
import type { SumGraph } from './session.ts'

/** What of a language model is trained, and how much at once. */
export interface TextTraining {
  readonly lora: LoraSpec
  /** Tokens of a window. */
  readonly sequence: number
  /** Windows of one run of the graph. */
  readonly microBatch: number
  /** Norm that the gradient of one window may have: with a guarantee, and only then. It may follow from how many are trained. */
  readonly clip?: number | ((parameters: number) => number)
}

/** Sizes of the windows that a graph reads, and its words. */
interface Windows {
  readonly sequence: number
  readonly vocabulary: number
}

/** The graph of a step over windows: inputs `x.0` and `target`, [microBatch, sequence] int64. */
export type TextStepGraph = SumGraph & Windows

/** The graph that says the loss of windows. */
export type TextScoreGraph = Pick<SumGraph, 'model' | 'parameters' | 'microBatch' | 'losses'> & Windows

/** Graphs of a language model with branches, and where these are. */
export interface TextGraphs {
  readonly step: TextStepGraph
  readonly score: TextScoreGraph
  /** Digest of the train graph, as parties compute it. */
  readonly digest: string
  readonly adapter: AdapterPlan
}

/**
 * Builds the graphs that train branches beside the weights of a GGUF file, which stay as they are.
 *
 * @throws `GGUF_MALFORMED`, `GGUF_UNSUPPORTED`, `GRAPH_TARGET`, `GRAPH_SHAPE`, `GRAPH_PRIVACY`; `ROOM_TRAIN_TOO_LARGE` for a
 *   model that one graph does not hold
 */
export function buildTextGraphs(file: GgufFile, training: TextTraining): TextGraphs {
  const { lora, sequence, microBatch } = training
  const { forward, trainable, branches } = addLora(ggufForward(file, sequence), lora)
  const clip = typeof training.clip === 'function' ? training.clip(sizeOf(forward, trainable)) : training.clip
  const [output] = forward.outputs
  const spec: TrainSpec = {
    forward,
    trainable,
    loss: { kind: 'causal', output: output!.name },
    microBatch,
    ...(clip !== undefined && { clip }),
  }
  const graph = buildTrainGraph(spec)
  const { parameters, losses } = graph
  const vocabulary = Number(output!.dims!.at(-1))
  const shared = { parameters, microBatch, sequence, vocabulary, losses }
  return {
    step: {
      ...shared,
      model: encoded(graph.model),
      weight: graph.weight,
      ...(clip !== undefined && { clip }),
    },
    score: { ...shared, model: encoded(buildEvaluation(spec).model) },
    digest: graph.digest,
    adapter: planAdapter(file, lora, { branches, parameters }),
  }
}

/** How many numbers the named tensors have. */
function sizeOf({ initializers }: OnnxModel, names: readonly string[]): number {
  const wanted = new Set(names)
  return initializers.reduce((sum, { name, dims }) => (wanted.has(name) ? sum + countOf(dims) : sum), 0)
}

/** More than 2 GiB of weights are no one message: see `encodeOnnx`. */
function encoded(model: OnnxModel): Uint8Array {
  const bytes = model.initializers.reduce((sum, { data }) => sum + data.length, 0)
  if (bytes > MAX_WEIGHT_BYTES)
    throw roomTrainError('ROOM_TRAIN_TOO_LARGE', 'the model has more weights than a trainer takes', {
      expected: `at most ${MAX_WEIGHT_BYTES} bytes as floats`,
    })
  return encodeOnnx(model)
}

const MAX_WEIGHT_BYTES = 2 ** 31 - 2 ** 26
