import { minus, reshaped, times } from '../math.ts'
import { isReal, type Loss, unfit } from './loss.ts'

/** Logistic loss of one logit for each example, [batch] or [batch, 1], with a target from 0 to 1: [batch] float32. */
export const binary: Loss = {
  targetOf(output) {
    if (!isReal(output, [1, 2]) || (output.dims[1] ?? 1) !== 1)
      throw unfit('binary', 'float32 [batch, 1]', output)
    return { type: 'float32', dims: [output.dims[0]!] }
  },
  add(b, output, target) {
    const logit = reshaped(b, output, [output.dims[0]!])
    return minus(b, b.add('Softplus', [logit]), times(b, logit, target))
  },
}
