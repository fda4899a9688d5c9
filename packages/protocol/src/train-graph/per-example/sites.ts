import { floatOf, intOf } from '../attributes.ts'
import type { GraphBuilder } from '../builder.ts'
import { scaled } from '../math.ts'
import { kernelGradient } from '../rules/conv.ts'
import { constantInts } from '../rules/rule.ts'
import { dense } from './dense.ts'
import { added, channelsOf, channelWeight, layerWeight, operand, stored } from './elementwise.ts'
import { embedding } from './embedding.ts'
import type { PerExample, Site } from './site.ts'

/** Gradients by example of a weight at one place of an operator. */
type SiteRule = (b: GraphBuilder, site: Site) => PerExample

/** Where each operator may have a weight. A weight elsewhere is refused. */
const SITES: Readonly<Record<string, Readonly<Record<number, SiteRule>>>> = {
  Add: { 0: operand, 1: operand },
  Sub: { 0: operand, 1: operand },
  Mul: { 0: operand, 1: operand },
  Div: { 0: operand, 1: operand },
  MatMul: { 1: dense },
  Gemm: { 1: dense, 2: (b, site) => added(b, site, scaled(b, site.g, floatOf(site.node, 'beta', 1))) },
  Conv: {
    1: (b, site) => stored(b, kernelGradient(b, site.node, site.g, examplesOf(site)), site.weight.dims),
    2: (b, site) => channelsOf(b, site, site.g),
  },
  Gather: { 0: embedding },
  LayerNormalization: { 1: layerWeight, 2: layerWeight },
  InstanceNormalization: { 1: channelWeight, 2: channelWeight },
}

/** Whether a place can have rows of a table some of which are the same: see `rows` of a site. */
export function takesRows(node: Site['node'], index: number): boolean {
  return siteRule(node, index) === operand
}

/**
 * Rows that a Gather with indices of no example takes of a table; undefined where the indices are not known.
 * Negative ones count from the end.
 */
export function gatheredRows(b: GraphBuilder, node: Site['node']): readonly number[] | undefined {
  const count = node.inputs[0]!.dims[0]!
  if (node.op !== 'Gather' || intOf(node, 'axis', 0) !== 0) return undefined
  return constantInts(b, node.inputs[1])?.map((at) => (at < 0 ? at + count : at))
}

/** The rule for a weight that is this input of this node; undefined where there is none. */
export function siteRule(node: Site['node'], index: number): SiteRule | undefined {
  const rule = Object.hasOwn(SITES, node.op) ? SITES[node.op]![index] : undefined
  // A stack of matrices, or a table along another axis, is no weight of a layer.
  if (rule === dense && node.inputs[1]!.dims.length !== 2) return undefined
  if (rule === embedding && intOf(node, 'axis', 0) !== 0) return undefined
  return rule
}

function examplesOf({ g, at }: Site): number {
  return g.dims[at.axis]! / at.inner
}
