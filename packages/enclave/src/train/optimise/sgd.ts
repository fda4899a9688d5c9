import { Memory } from './memory.ts'
import type { Optimiser } from './types.ts'

/**
 * Stochastic gradient descent with momentum: move = momentum × last move + gradient; weight -= rate × move. Weight decay
 * is added to the gradient, of weights with two dimensions or more.
 * @param sizes numbers of each weight
 */
export function createSgd(
  { momentum, weightDecay }: { readonly momentum: number; readonly weightDecay: number },
  sizes: readonly number[],
): Optimiser {
  // Without momentum there is nothing to remember.
  const memory = new Memory(momentum > 0 ? sizes : [])
  return {
    step: ({ values, ranks }, mean, { rate }) => {
      for (const [index, value] of values.entries()) {
        const gradient = mean[index]!
        const moves = memory.slots[index]
        const decay = ranks[index]! >= 2 ? weightDecay : 0
        if (moves)
          for (let at = 0; at < value.length; at++) {
            const move = gradient[at]! + decay * value[at]! + momentum * moves[at]!
            moves[at] = move
            value[at] = value[at]! - rate * move
          }
        else
          for (let at = 0; at < value.length; at++)
            value[at] = value[at]! - rate * (gradient[at]! + decay * value[at]!)
      }
    },
    state: () => memory.copy(),
    restore: (state) => memory.restore(state),
  }
}
