import type { ScheduleSettings } from '../settings.ts'

/**
 * The rate of a step: it rises in the first steps, then stays, or falls to its floor, in a line or along half a cosine.
 * @param step from 0
 * @param steps all
 */
export function rateAt(
  { kind, rate, warmupSteps, floor }: ScheduleSettings,
  step: number,
  steps: number,
): number {
  if (step < warmupSteps) return (rate * (step + 1)) / (warmupSteps + 1)
  if (kind === 'constant') return rate
  const done = (step - warmupSteps) / Math.max(1, steps - 1 - warmupSteps)
  const left = kind === 'linear' ? 1 - done : (1 + Math.cos(Math.PI * done)) / 2
  return rate * (floor + (1 - floor) * left)
}
