/** What a decoder says about the next token. */
export interface Step {
  /** One array of unnormalised scores a row, over the vocabulary. The caller may change them. */
  readonly scores: readonly Float32Array[]
  /** Scores of the first row at an earlier place of what was fed in this step. For Whisper's silence token. */
  scoresAt(position: number): Float32Array
}

/**
 * A decoder on one encoded input. It keeps the key/value pairs of its rows between steps where the model can.
 *
 * @see createGraphDecoder for the one that runs ONNX graphs
 */
export interface StepDecoder {
  /**
   * Scores of the token after each row.
   *
   * @param rows all tokens of each row so far, all of one length, longer than in the step before
   * @param order for each row, the row of the step before that it continues; ignored in the first step
   */
  step(rows: readonly (readonly number[])[], order: readonly number[]): Promise<Step>
}
