import type { Digest } from '@sotto/protocol/keyrelease'
import type { TrainingState } from '@sotto/protocol/training'
import type { Part } from '../data/part.ts'

/** Told after a step, and awaited. */
export interface TrainingProgress {
  /** Steps that are done, or rounds of trees. */
  readonly done: number
  readonly of: number
  /** Mean loss of the rows of the step in millionths, where parties see it. */
  readonly lossMicros?: number
}

/** How learning goes. */
export interface LearnOptions {
  readonly threads: number
  readonly signal?: AbortSignal
  /** Where to go on; default the beginning. Trees always begin anew. */
  readonly from?: TrainingState
  /** @param state a copy of all that the rest depends on, while the call is awaited; of trees there is none */
  readonly onProgress?: (progress: TrainingProgress, state?: () => TrainingState) => Promise<void> | void
}

/** What was learned. */
export interface Learned {
  /** Steps that were made, or rounds of trees. */
  readonly steps: number
  /** Why it ended: all steps were made, or no figure got better. */
  readonly reason: 'steps' | 'early'
  /** `digestOfGraph` of a step; none of trees. */
  readonly graph?: Digest
  /** Scores of all rows. */
  score(part: Part): Promise<Float32Array>
  /** The model in ONNX, read again before it is given out. */
  model(): Promise<Uint8Array>
  close(): Promise<void>
}
