import { asNumber, over, reshaped, summed, times } from '../math.ts'
import { isReal, type Loss, unfit } from './loss.ts'

/**
 * Cross-entropy of [batch, sequence, vocabulary] with the token that follows each position, [batch, sequence] int64;
 * -1 where none counts (prompt, padding). The mean over the positions that count; 0 for an example without any.
 */
export const causal: Loss = {
  targetOf(output) {
    if (!isReal(output, [3])) throw unfit('causal', 'float32 [batch, sequence, vocabulary]', output)
    return { type: 'int64', dims: output.dims.slice(0, 2) }
  },
  add(b, output, target) {
    const [batch, sequence] = output.dims
    const zero = b.numbers([], [0], 'int64')
    const counts = b.add('GreaterOrEqual', [target, zero])
    const token = b.add('Where', [counts, target, zero])
    const logs = b.add('LogSoftmax', [output], { axis: 2 })
    const own = b.add('GatherElements', [logs, reshaped(b, token, [batch!, sequence!, 1])], { axis: 2 })
    const weights = asNumber(b, counts, output)
    const sum = summed(b, times(b, reshaped(b, own, [batch!, sequence!]), weights), [1], false)
    const count = b.add('Max', [summed(b, weights, [1], false), b.scalar(1, output)])
    return b.add('Neg', [over(b, sum, count)])
  },
}
