import type { OnnxModel, OnnxPort } from '../onnx/index.ts'
import type { LossKind } from './losses/index.ts'

/** What shall be trained, on what, and how. Parties who agree on it compute the same graph. */
export interface TrainSpec {
  /** A graph for inference. Axis 0 of every input and of the output that the loss is of is the example. */
  readonly forward: OnnxModel
  /** Names of float32 initializers, or all that stand where layers have weights. All others are frozen. */
  readonly trainable: 'all' | readonly string[]
  /**
   * Whether a weight that several nodes use is one weight. If not, each use becomes a weight of its own: exporters
   * write equal weights as one. Default: not, and with a clip such a graph is refused until its owner says which.
   */
  readonly isTied?: boolean
  readonly loss: { readonly kind: LossKind; readonly output: string }
  /**
   * Examples of one run, from 1 to 2^20. Fewer are filled up with ones of weight 0. Sums over a run are in single
   * precision; with a clip those of 512 examples are, where they divide, and what is more is added in double, as whoever
   * adds runs together does it. Tables of which examples take rows are summed at once.
   */
  readonly microBatch: number
  /** Size of every other free dimension of the inputs. */
  readonly sequence?: number
  /** Norm that the gradient of one example may have, from 1e-9 to 1e9: present for differential privacy, and only then. */
  readonly clip?: number
  /**
   * Whether whoever runs the graph gives it data that are finite numbers, always: nothing then guards the guarantee against
   * others, which saves a copy of them in each step. Default: not.
   */
  readonly hasFiniteData?: boolean
}

/** One weight that is trained. */
export interface ParameterPort {
  /** Of the initializer in the forward graph. */
  readonly name: string
  readonly dims: readonly number[]
  readonly initial: Float32Array
  /** The module that uses it, as its exporter says. */
  readonly scope?: string
}

/**
 * One step as a plain graph of opset 18, computed by any runtime. Inputs, in order: the parameters `p.<i>`, the data
 * `x.<i>`, `target`, `example_weight`. Outputs: gradients `g.<i>`, summed over examples of weight × gradient, and
 * clipped by example where that was asked; `losses`; with clipping `norms`.
 */
export interface TrainGraph {
  readonly model: OnnxModel
  /** See `digestOfGraph`. */
  readonly digest: string
  /** The forward graph, in which each trained weight is one initializer. */
  readonly forward: OnnxModel
  readonly parameters: readonly ParameterPort[]
  /** The forward graph's inputs by their names there; in `model` they are `x.<i>`. */
  readonly data: readonly OnnxPort[]
  readonly target: OnnxPort
  /** How much each example counts, 0 for padding: float32 [microBatch]. */
  readonly weight: 'example_weight'
  /** Loss of each example: float32 [microBatch]. Private data: it leaves a room only where a contract says so. */
  readonly losses: 'losses'
  /** Norm of each example's gradient before clipping: float32 [microBatch]. Private data. */
  readonly norms?: 'norms'
}
