/** A set of weights, as far as an optimiser is concerned. */
export interface Weights {
  /** Changed in place. */
  readonly values: readonly Float32Array[]
  /** Number of dimensions of each. */
  readonly ranks: readonly number[]
}

/**
 * Moves weights against a gradient. What it does follows from the weights, the gradient, the step and its own state alone;
 * it computes in doubles and keeps its state in single precision, so that a state that was written and read is the same.
 */
export interface Optimiser {
  /**
   * @param mean gradient of each weight, of one example
   * @param at step from 0, and its rate
   */
  step(
    weights: Weights,
    mean: readonly Float64Array[],
    at: { readonly step: number; readonly rate: number },
  ): void
  /** Copies of what it remembers. */
  state(): Float32Array[]
  /** @throws `ROOM_TRAIN_CHECKPOINT` for what is no state of it */
  restore(state: readonly Float32Array[]): void
}
