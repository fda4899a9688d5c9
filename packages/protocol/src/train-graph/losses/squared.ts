import { countOf } from '../../onnx/index.ts'
import { averaged, minus, reshaped, times } from '../math.ts'
import { isReal, type Loss, unfit } from './loss.ts'

/** Mean over an example's outputs of the squared difference from a target of the same shape. */
export const squared: Loss = {
  targetOf(output) {
    if (!isReal(output, [1, 2, 3, 4])) throw unfit('squared', 'float32 [batch, ...]', output)
    return { type: 'float32', dims: output.dims }
  },
  add(b, output, target) {
    const batch = output.dims[0]!
    const rows = reshaped(b, minus(b, output, target), [batch, countOf(output.dims) / batch])
    return reshaped(b, averaged(b, times(b, rows, rows), [1]), [batch])
  },
}
