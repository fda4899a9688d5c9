import { countOf } from '../../onnx/index.ts'
import type { GraphBuilder } from '../builder.ts'
import { asNumber, plus, reshaped, scaled, times } from '../math.ts'
import { scatterRows } from '../rules/slices.ts'
import { byExample, type Factor, squares } from './by-example.ts'
import { gram, rowNorms } from './dense.ts'
import type { PerExample, Site } from './site.ts'

/**
 * A table of which an example takes rows by index (Gather along axis 0). Rows that it takes more than once add up:
 * the norm is the sum of the products of those pairs of gradients whose rows are the same.
 */
export function embedding(b: GraphBuilder, site: Site): PerExample {
  const { node, weight, at } = site
  const indices = node.inputs[1]!
  const split = byExample(b, indices, site.axisOf(indices))
  const [batch, rows] = [split.dims[0]!, countOf(split.dims.slice(1))]
  const width = countOf(weight.dims.slice(1))
  const ids = reshaped(b, split, [batch, rows])
  const g = reshaped(b, byExample(b, site.g, at), [batch, rows, width])
  const pairs = (): ReturnType<typeof plus> => {
    const same = b.add('Equal', [reshaped(b, ids, [batch, rows, 1]), reshaped(b, ids, [batch, 1, rows])])
    const sum = b.add('ReduceSum', [times(b, gram(b, g), asNumber(b, same, g)), b.ints([1, 2])], {
      keepdims: 0,
    })
    const norms = b.add('ReduceSum', [rowNorms(b, g), b.ints([1])], { keepdims: 0 })
    // Rows may cancel: what rounding could hide of them, as in a dense layer.
    return plus(b, sum, scaled(b, times(b, norms, norms), 2 ** -24 * (width + 2 * rows)))
  }
  return {
    squared: rows === 1 ? squares(b, g) : pairs(),
    sum(factor: Factor) {
      const all = reshaped(b, factor.apply(g), [batch * rows, width])
      return reshaped(b, scatterRows(b, all, ids, weight.dims[0]!), weight.dims)
    },
  }
}
