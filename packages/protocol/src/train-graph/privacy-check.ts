import type { BatchAxis } from './batch-axis/axis.ts'
import { AXIS_RULES } from './batch-axis/rules.ts'
import { trackBatch } from './batch-axis/track.ts'
import type { Node, Value } from './ir.ts'
import { leadingTo } from './live.ts'
import { type Prepared, prepare } from './prepare.ts'
import type { PrivacyBreak } from './privacy-break.ts'
import { sameWeights } from './same-weights.ts'
import type { TrainSpec } from './types.ts'
import { useBreak, usesOf } from './weight-use.ts'

/** What clipping rests on: where examples are, and what is in the way. */
export interface PrivacyFindings {
  readonly axes: ReadonlyMap<Value, BatchAxis>
  readonly breaks: readonly PrivacyBreak[]
}

/**
 * All that would break differential privacy in a spec, so that its owner can mend everything at once. Empty: each
 * example's gradient depends on that example alone and its norm is known.
 *
 * @throws as `buildTrainGraph` for what cannot be read at all
 */
export function findPrivacyBreaks(spec: TrainSpec): readonly PrivacyBreak[] {
  return findBreaks(prepare({ ...spec, clip: spec.clip ?? 1 }), spec.isTied).breaks
}

/** As {@link findPrivacyBreaks}, for a graph that was prepared. */
export function findBreaks(
  { b, weights, parameters, examples, losses, forward }: Prepared,
  isTied: boolean | undefined,
): PrivacyFindings {
  const leading = leadingTo(b.nodes, [losses])
  const live = b.nodes.filter(({ outputs }) => outputs.some((output) => leading.has(output)))
  const { axes, mixing } = trackBatch(b, live, examples, losses.dims[0]!)
  const breaks: PrivacyBreak[] = mixing.map((node) => mixingBreak(node))
  const at = axes.get(losses)
  if (mixing.length === 0 && (at?.axis !== 0 || at.inner !== 1))
    breaks.push({ rule: 'mixes-examples', node: 'loss', words: 'the loss is not one of each example' })
  const uses = usesOf(live)
  for (const [i, weight] of weights.entries()) {
    const found = useBreak(b, uses, weight, axes)
    if (found && leading.has(weight)) breaks.push({ ...found, node: `${parameters[i]!.name}: ${found.node}` })
  }
  // An owner who says that nothing is tied knows why two weights are the same; clipping holds for both.
  const names = new Set(isTied === false ? [] : parameters.map(({ name }) => name))
  for (const [one, other] of sameWeights(forward.initializers.filter(({ name }) => names.has(name))))
    breaks.push({
      rule: 'tied',
      node: `${one.name}, ${other.name}`,
      words: 'two weights hold the same numbers',
    })
  return { axes, breaks }
}

function mixingBreak(node: Node): PrivacyBreak {
  if (node.op === 'BatchNormalization')
    return {
      rule: 'batch-norm',
      node: node.where,
      words: 'statistics of a batch are of all examples together',
    }
  if (AXIS_RULES.has(node.op))
    return { rule: 'mixes-examples', node: node.where, words: `${node.op} combines examples` }
  return { rule: 'unknown-batch-axis', node: node.where, words: `${node.op} may combine examples` }
}
