import { binary } from './binary.ts'
import { causal } from './causal.ts'
import { crossEntropy } from './cross-entropy.ts'
import type { Loss } from './loss.ts'
import { squared } from './squared.ts'

/** The losses, by their names in contracts. */
export const LOSSES: Readonly<Record<LossKind, Loss>> = {
  'cross-entropy': crossEntropy,
  binary,
  squared,
  causal,
}

/** Names of {@link LOSSES}. */
export type LossKind = 'cross-entropy' | 'binary' | 'squared' | 'causal'
