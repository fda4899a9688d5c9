import type { TrainingState } from '@sotto/protocol/training'
import type { LearnOptions, TrainingProgress } from '../task/index.ts'

/** What a computation shows when it is asked. */
export interface Standing<Result> {
  /** The last that it told. */
  readonly progress: TrainingProgress
  /** A copy of all that the rest depends on, until the next is asked for. */
  readonly state?: () => TrainingState
  /** Present once it is over. */
  readonly result?: Result
}

/** Milliseconds between two reports: steps may take less than what telling of them does. */
const REPORT_MS = 200

/** A computation that stands still when it has something to tell, until somebody asks for the next. */
export class Pace<Result> {
  readonly #ended: Promise<Result>
  #progress: TrainingProgress = { done: 0, of: 0 }
  #state: (() => TrainingState) | undefined
  #told = performance.now()
  #report = Promise.withResolvers<void>()
  #turn: PromiseWithResolvers<void> | undefined

  /** Begins. @param work awaits what `onProgress` gives it after each step */
  constructor(work: (onProgress: NonNullable<LearnOptions['onProgress']>) => Promise<Result>) {
    this.#ended = work((progress, state) => {
      this.#progress = progress
      this.#state = state
      const now = performance.now()
      if (now - this.#told < REPORT_MS) return
      this.#told = now
      this.#turn = Promise.withResolvers()
      this.#report.resolve()
      return this.#turn.promise
    })
    // Whoever asks hears it.
    this.#ended.catch(() => undefined)
  }

  /** Lets it go on until it has something to tell, or is over. @throws what the computation does */
  async next(): Promise<Standing<Result>> {
    if (this.#turn) {
      this.#report = Promise.withResolvers()
      this.#turn.resolve()
      this.#turn = undefined
    }
    const result = await Promise.race([this.#ended, this.#report.promise])
    const progress = this.#progress
    if (result !== undefined) return { progress, result: result as Result }
    return { progress, ...(this.#state && { state: this.#state }) }
  }
}
