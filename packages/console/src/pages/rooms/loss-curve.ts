import type { Name } from '@sotto/protocol/contract'
import type { RunView } from '@sotto/protocol/room'

/** Loss of one step, as a room says it. */
export interface LossPoint {
  step: number
  lossMicros: number
}

/** What was seen of the loss of one training. */
export interface LossCurve {
  transform: Name
  /** By step, one at least: at most {@link MAX_POINTS}, so that a day of looking needs no more memory than an hour. */
  points: readonly LossPoint[]
  /** Of all that was seen, also of what is not among the points any more. */
  lowest: LossPoint
}

/** More than a plot has pixels for. */
export const MAX_POINTS = 400

/**
 * A curve with what a room says now. Whoever runs the room chooses these numbers: a step that is none of the training, or not
 * after the last one, adds nothing.
 */
export function withLoss(
  curve: LossCurve | undefined,
  { progress }: Pick<RunView, 'progress'>,
): LossCurve | undefined {
  if (progress?.lossMicros === undefined) return curve
  const { transform, done: step, of, lossMicros } = progress
  if (step > of) return curve
  const point = { step, lossMicros }
  if (curve?.transform !== transform) return { transform, points: [point], lowest: point }
  if (step <= curve.points.at(-1)!.step) return curve
  const points = [...curve.points, point]
  return {
    transform,
    points: points.length > MAX_POINTS ? thinned(points) : points,
    lowest: lossMicros < curve.lowest.lossMicros ? point : curve.lowest,
  }
}

/** Every second point; the first and the last stay. */
function thinned(points: readonly LossPoint[]): LossPoint[] {
  return points.filter((_, at) => at % 2 === 0 || at === points.length - 1)
}

/** Where a point is drawn, 0 to 1 from the upper left corner. */
export interface PlotPlace {
  x: number
  y: number
}

/** Places of the points: from the first step seen to the last, and from the highest loss seen to the lowest. */
export function placesOf({ points, lowest }: LossCurve): PlotPlace[] {
  const [from, to] = [points[0]!.step, points.at(-1)!.step]
  const highest = Math.max(...points.map(({ lossMicros }) => lossMicros))
  const range = highest - lowest.lossMicros
  return points.map(({ step, lossMicros }) => ({
    x: to === from ? 0 : (step - from) / (to - from),
    y: range === 0 ? 0.5 : (highest - lossMicros) / range,
  }))
}
