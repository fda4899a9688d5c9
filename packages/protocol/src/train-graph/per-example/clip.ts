import type { BatchAxis } from '../batch-axis/axis.ts'
import { backward, type Gradients } from '../backward.ts'
import type { GraphBuilder } from '../builder.ts'
import { graphError } from '../errors.ts'
import type { Node, Value } from '../ir.ts'
import { plus } from '../math.ts'
import { Factor } from './by-example.ts'
import { gatheredSite } from './gathered.ts'
import type { Site } from './site.ts'
import { gatheredRows, siteRule, takesRows } from './sites.ts'

/** The part of a clip that norms in single precision may be wrong by. */
const SLACK = 2 ** -10

/** What {@link clippedGradients} works on. */
export interface ClipAsked {
  readonly nodes: readonly Node[]
  /** Weights to train, of which each meets examples at one place (checked before). */
  readonly weights: readonly Value[]
  /** Loss of each example, and how much each counts: both [batch]. */
  readonly losses: Value
  readonly counts: Value
  readonly axes: ReadonlyMap<Value, BatchAxis>
  readonly clip: number
  /** Inputs that hold finite numbers only. */
  readonly finite: ReadonlySet<Value>
}

/**
 * Adds gradients in which no example has a norm over `clip`, summed over examples. An example whose gradient is not
 * finite counts as nothing. One backward pass; what it finds at the weights is used twice, for norms and for sums.
 */
export function clippedGradients(b: GraphBuilder, asked: ClipAsked): { gradients: Gradients; norms: Value } {
  const { nodes, weights, losses, counts, axes, clip, finite } = asked
  const sites: Site[] = []
  const makers = new Map(nodes.map((node) => [node.outputs[0]!, node]))
  backward(b, {
    nodes,
    wanted: weights,
    seeds: [[losses, counts]],
    takes(node, index, [g]) {
      const weight = node.inputs[index]!
      const at = axes.get(node.outputs[0]!)
      if (axes.has(weight) || at === undefined) return false
      if (g === undefined) return true
      const maker = makers.get(weight)
      const rows = maker && gatheredRows(b, maker)
      const site: Site = {
        node,
        index,
        weight,
        g,
        at,
        rows,
        axisOf: (value) => axes.get(value)!,
        isFinite: (value) => finite.has(b.unshaped(value)),
      }
      sites.push((rows && takesRows(node, index) && gatheredSite(b, site, maker!)) || site)
      return true
    },
  })
  const each = sites.map((site) => {
    b.place = site.node.where
    const rule = siteRule(site.node, site.index)
    if (rule === undefined)
      throw graphError('GRAPH_PRIVACY', 'no norm by example for a weight here', site.node.where)
    return { site, parts: rule(b, site) }
  })
  if (each.length === 0) throw graphError('GRAPH_TARGET', 'nothing that is trained leads to the loss')
  b.place = 'clipping'
  const norms = b.add('Sqrt', [each.map(({ parts }) => parts.squared).reduce((x, y) => plus(b, x, y))])
  const limit = b.scalar(Math.fround(clip) * (1 - SLACK), norms)
  const factor = new Factor(b, norms, limit)
  const seeds = each.map(({ site, parts }) => [site.weight, factor.close(parts.sum(factor))] as const)
  // From views of weights back to the weights: nothing of that touches examples any more.
  const views = nodes.filter(({ outputs }) => !axes.has(outputs[0]!))
  return { gradients: backward(b, { nodes: views, wanted: weights, seeds }), norms }
}
