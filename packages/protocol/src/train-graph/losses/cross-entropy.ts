import { reshaped } from '../math.ts'
import { isReal, type Loss, unfit } from './loss.ts'

/** Softmax cross-entropy of [batch, classes] with the number of the class, from 0 on: [batch] int64. */
export const crossEntropy: Loss = {
  targetOf(output) {
    if (!isReal(output, [2]) || output.dims[1]! < 2)
      throw unfit('cross-entropy', 'float32 [batch, classes]', output)
    return { type: 'int64', dims: [output.dims[0]!] }
  },
  add(b, output, target) {
    const batch = output.dims[0]!
    const logs = b.add('LogSoftmax', [output], { axis: 1 })
    const own = b.add('GatherElements', [logs, reshaped(b, target, [batch, 1])], { axis: 1 })
    return b.add('Neg', [reshaped(b, own, [batch])])
  },
}
