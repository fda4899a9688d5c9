import type { GraphBuilder } from '../builder.ts'
import type { Node } from '../ir.ts'
import { unbroadcast } from '../math.ts'
import { operandGradient } from './elementwise.ts'
import type { Site } from './site.ts'

/**
 * Rows of a table for each example, at indices that no example has a say in (types of tokens that nobody gave: an
 * exporter repeats them for every example). The table is then the weight, as if the indices were data.
 *
 * @param site where the rows are added or multiplied
 * @param maker the Gather that takes them
 * @returns undefined where the rows are the same for all examples
 */
export function gatheredSite(b: GraphBuilder, site: Site, maker: Node): Site | undefined {
  const { weight, g, at } = site
  const axis = at.axis - (g.dims.length - weight.dims.length)
  if (weight.dims[axis] !== g.dims[at.axis] || weight.dims[axis] === 1) return undefined
  // Only indices can be there once for each example: an entry of the table cannot.
  if (axis >= maker.inputs[1]!.dims.length) return undefined
  const here = { axis, inner: at.inner }
  const rows = unbroadcast(b, operandGradient(b, site), weight.dims)
  return {
    node: maker,
    index: 0,
    weight: maker.inputs[0]!,
    g: rows,
    at: here,
    rows: undefined,
    axisOf: () => here,
    isFinite: () => false,
  }
}
