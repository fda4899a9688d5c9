import type { StopSettings } from './settings.ts'

/** What is remembered between two figures. */
export interface StopState {
  /** The lowest figure so far; infinite before the first. */
  readonly best: number
  /** Figures since then. */
  readonly since: number
}

export const FRESH: StopState = { best: Infinity, since: 0 }

/** Whether a figure is taken after a step. @param done steps that are done */
export function isMeasuredAt({ every }: StopSettings, done: number): boolean {
  return done % every === 0
}

/** The state after one more figure, of which less is better. What is no number is no better one. */
export function afterFigure({ best, since }: StopState, figure: number): StopState {
  return figure < best ? { best: figure, since: 0 } : { best, since: since + 1 }
}

/** Whether to stop. */
export function isOver({ patience }: StopSettings, { since }: StopState): boolean {
  return since >= patience
}
