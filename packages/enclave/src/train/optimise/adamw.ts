import { Memory } from './memory.ts'
import type { Optimiser } from './types.ts'

/** Keeps the division from zero, as everywhere. */
const TINY = 1e-8

/**
 * Adam with decoupled weight decay (Loshchilov, Hutter, arXiv 1711.05101, Algorithm 2), of weights with two dimensions or
 * more.
 * @param sizes numbers of each weight
 */
export function createAdamW(
  of: { readonly beta1: number; readonly beta2: number; readonly weightDecay: number },
  sizes: readonly number[],
): Optimiser {
  const { beta1, beta2, weightDecay } = of
  const memory = new Memory([...sizes, ...sizes])
  return {
    step: ({ values, ranks }, mean, { step, rate }) => {
      const first = 1 - beta1 ** (step + 1)
      const second = 1 - beta2 ** (step + 1)
      for (const [index, value] of values.entries()) {
        const gradient = mean[index]!
        const means = memory.slots[index]!
        const squares = memory.slots[index + values.length]!
        const kept = 1 - (ranks[index]! >= 2 ? rate * weightDecay : 0)
        for (let at = 0; at < value.length; at++) {
          const slope = gradient[at]!
          const m = (means[at] = Math.fround(beta1 * means[at]! + (1 - beta1) * slope))
          const v = (squares[at] = Math.fround(beta2 * squares[at]! + (1 - beta2) * slope * slope))
          value[at] = kept * value[at]! - (rate * m) / first / (Math.sqrt(v / second) + TINY)
        }
      }
    },
    state: () => memory.copy(),
    restore: (state) => memory.restore(state),
  }
}
