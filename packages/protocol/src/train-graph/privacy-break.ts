/**
 * Rules that a graph can break.
 * - `batch-norm`: statistics of a batch are of all examples together.
 * - `mixes-examples`: an operator combines examples, so that the loss of one depends on others.
 * - `unknown-batch-axis`: an operator of which it is not known here whether it does.
 * - `double-use`: one weight is used at several places; its norm is not the sum of two.
 * - `tied`: two weights hold the same numbers, which is how exporters write a tied one.
 * - `weight-use`: a weight is used in a way for which there is no norm by example.
 */
export type PrivacyRule =
  | 'batch-norm'
  | 'mixes-examples'
  | 'unknown-batch-axis'
  | 'double-use'
  | 'tied'
  | 'weight-use'

/** One thing in a graph that would break the guarantee. */
export interface PrivacyBreak {
  readonly rule: PrivacyRule
  /** Operator, name and module of the node, or the names of weights. */
  readonly node: string
  readonly words: string
}
