/**
 * The graph of one training step: of parameters and a small batch it gives gradients, summed over the batch. Every input
 * has a fixed shape, whose first dimension, of data, is the example.
 */
export interface StepGraph {
  /** An ONNX model. */
  readonly model: Uint8Array
  /** In the order of the inputs `p.<i>` and of the gradients `g.<i>`. */
  readonly parameters: readonly Parameter[]
  /** Examples of a batch. What is not filled has weight 0. */
  readonly microBatch: number
  readonly data: DataInput
  readonly target: TargetInput
  /** Input [microBatch] in float by which each example's gradient is multiplied, after it was clipped: 0 or 1. */
  readonly weight: string
  /** Output [microBatch] in float. */
  readonly losses: string
  /** What the gradient of each example is clipped to; absent where it is not. */
  readonly clip?: number
}

/** Input of features: [microBatch, width] in float. */
export interface DataInput {
  readonly name: string
  readonly width: number
}

/** Input of labels, one of each example. */
export interface TargetInput {
  readonly name: string
  readonly type: 'float32' | 'int64'
  readonly dims: readonly number[]
  /** Classes that labels are places of; 0 for numbers. */
  readonly classes: number
}

/** Weights that are trained. */
export interface Parameter {
  readonly dims: readonly number[]
  readonly initial: Float32Array
}

/** The graph that says what a model says of rows. */
export interface ScoreGraph {
  readonly model: Uint8Array
  readonly parameters: readonly Parameter[]
  readonly microBatch: number
  readonly data: DataInput
  /** Where the graph gives losses too. */
  readonly target?: TargetInput
  /** Output [microBatch, n] in float: of classes their logits (of two, one number may do), or the number itself. */
  readonly scores: string
  readonly outputs: number
}

/** Name of the input of a parameter. */
export function parameterInput(at: number): string {
  return `p.${at}`
}

/** Name of the output of its gradient. */
export function gradientOutput(at: number): string {
  return `g.${at}`
}
