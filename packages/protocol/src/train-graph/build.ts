import { backward, type Gradients } from './backward.ts'
import { digestOfGraph } from './digest.ts'
import { emitModel, type NamedOutput } from './emit.ts'
import { graphError } from './errors.ts'
import type { Value } from './ir.ts'
import { clippedGradients } from './per-example/clip.ts'
import { type Prepared, prepare } from './prepare.ts'
import { findBreaks } from './privacy-check.ts'
import type { TrainGraph, TrainSpec } from './types.ts'

/**
 * Builds one training step as a graph: forward, loss, gradients, and with `clip` the clipping of each example's
 * gradient. Equal specs give equal bytes.
 *
 * @throws `GRAPH_NO_RULE` naming operator, node and module; `GRAPH_SHAPE`, `GRAPH_LOSS`, `GRAPH_TARGET`;
 *   `GRAPH_PRIVACY` with the first of `findPrivacyBreaks`
 *
 * @example
 * const graph = buildTrainGraph({ forward, trainable: 'all', loss: { kind: 'binary', output: 'y' }, microBatch: 256 })
 */
export function buildTrainGraph(spec: TrainSpec): TrainGraph {
  const prepared = prepare(spec)
  const { b, weights, losses, parameters, forward, data, target } = prepared
  const counts = b.input('example_weight', 'float32', losses.dims)
  const nodes = [...b.nodes]
  const { gradients, norms } =
    spec.clip === undefined
      ? { gradients: backward(b, { nodes, wanted: weights, seeds: [[losses, counts]] }), norms: undefined }
      : clipped(prepared, counts, spec, spec.clip)
  const outputs: NamedOutput[] = weights.map((weight, i) => [
    `g.${i}`,
    gradientOf(gradients, weight, parameters[i]!.name),
  ])
  outputs.push(['losses', losses])
  if (norms !== undefined) outputs.push(['norms', norms])
  const model = emitModel(b, outputs)
  return {
    model,
    digest: digestOfGraph(model),
    forward,
    parameters,
    data,
    target,
    weight: 'example_weight',
    losses: 'losses',
    ...(norms !== undefined && { norms: 'norms' }),
  }
}

function clipped(
  prepared: Prepared,
  counts: Value,
  { isTied, hasFiniteData }: TrainSpec,
  clip: number,
): { gradients: Gradients; norms: Value } {
  const { b, weights, losses, examples } = prepared
  const { axes, breaks } = findBreaks(prepared, isTied)
  const [first] = breaks
  if (first !== undefined) throw graphError('GRAPH_PRIVACY', `${first.rule}: ${first.words}`, first.node)
  const nodes = [...b.nodes]
  const known = new Map(axes).set(counts, { axis: 0, inner: 1 })
  const finite = new Set(hasFiniteData ? examples : [])
  return clippedGradients(b, { nodes, weights, losses, counts, axes: known, clip, finite })
}

function gradientOf(gradients: Gradients, weight: Value, name: string): Value {
  const gradient = gradients.get(weight)
  if (gradient === undefined)
    throw graphError('GRAPH_TARGET', 'nothing leads from a weight to the loss', name)
  return gradient
}
