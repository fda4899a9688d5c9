import type { OnnxModel, OnnxPort } from '../onnx/index.ts'
import { emitModel } from './emit.ts'
import { prepare } from './prepare.ts'
import type { TrainSpec } from './types.ts'

/** A graph without a backward. */
export interface Evaluation {
  /** Inputs `p.<i>`, `x.<i>` and `target` as in the train graph; outputs `output` and `losses`. */
  readonly model: OnnxModel
  readonly outputs: readonly [output: OnnxPort, losses: OnnxPort]
}

/**
 * Builds the graph that evaluates the weights of a train graph of the same spec: what the model answers, and the loss
 * of each example.
 *
 * @throws as `buildTrainGraph`
 */
export function buildEvaluation(spec: TrainSpec): Evaluation {
  const { b, output, losses } = prepare(spec)
  const model = emitModel(b, [
    ['output', output],
    ['losses', losses],
  ])
  const [first, second] = model.outputs
  return { model, outputs: [first!, second!] }
}
