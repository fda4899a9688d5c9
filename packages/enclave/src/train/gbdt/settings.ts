import { roomTrainError } from '../errors.ts'

/** How trees grow. */
export interface GbdtSettings {
  /** Rounds; of more than two classes each has a tree of every class. 1 to 10000. */
  readonly trees: number
  /** Splits between root and leaf, at most: 1 to 12. */
  readonly depth: number
  /** Bins of a number, at most: 2 to 256. */
  readonly bins: number
  /** Part of its best value that a leaf has: over 0, at most 1. */
  readonly learningRate: number
  /** Added to the curvature of a leaf: 0 to 1e6. */
  readonly lambda: number
  /** Curvature of a leaf, at least: 0 to 1e9. */
  readonly minChildWeight: number
}

/** @throws `ROOM_TRAIN_SETTINGS` */
export function requireGbdtSettings(settings: GbdtSettings): void {
  const { trees, depth, bins, learningRate, lambda, minChildWeight } = settings
  const bounds: [string, number, number, number][] = [
    ['trees', trees, 1, 10_000],
    ['depth', depth, 1, 12],
    ['bins', bins, 2, 256],
    ['the rate of learning', learningRate, 1e-6, 1],
    ['lambda', lambda, 0, 1e6],
    ['weight of a child', minChildWeight, 0, 1e9],
  ]
  for (const [what, value, least, most] of bounds)
    if (!(value >= least && value <= most))
      throw roomTrainError('ROOM_TRAIN_SETTINGS', `${what}: out of bounds`, {
        expected: `${least} to ${most}`,
      })
  if (![trees, depth, bins].every(Number.isInteger))
    throw roomTrainError('ROOM_TRAIN_SETTINGS', 'trees, depth and bins are whole numbers')
}
