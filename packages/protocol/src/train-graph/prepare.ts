import { floatsOf, type OnnxModel, type OnnxPort, scopeOf } from '../onnx/index.ts'
import { GraphBuilder } from './builder.ts'
import { graphError } from './errors.ts'
import { importGraph, type Sizes } from './import-graph.ts'
import type { Value } from './ir.ts'
import { leadingTo } from './live.ts'
import { MAX_CLIP, MAX_MICRO_BATCH, MIN_CLIP } from './limits.ts'
import { LOSSES } from './losses/index.ts'
import type { ParameterPort, TrainSpec } from './types.ts'
import { separateUses, weightsOf } from './weights-of.ts'

/** The forward graph and its loss in a builder. */
export interface Prepared {
  readonly b: GraphBuilder
  readonly forward: OnnxModel
  readonly parameters: readonly ParameterPort[]
  /** Values of the parameters. */
  readonly weights: readonly Value[]
  readonly data: readonly OnnxPort[]
  /** Values of the data and of the target: all inputs that hold examples but their weights. */
  readonly examples: readonly Value[]
  readonly target: OnnxPort
  /** The output that the loss is of. */
  readonly output: Value
  /** Loss of each example. */
  readonly losses: Value
}

/**
 * Reads a spec into a graph as far as the loss of each example.
 *
 * @throws `GRAPH_TARGET`, `GRAPH_LOSS`, `GRAPH_SHAPE`, `GRAPH_NO_RULE`
 */
export function prepare(spec: TrainSpec): Prepared {
  const { microBatch, sequence, loss, isTied, clip } = spec
  if (!Number.isInteger(microBatch) || microBatch < 1 || microBatch > MAX_MICRO_BATCH)
    throw graphError('GRAPH_SHAPE', `a run takes 1 to ${MAX_MICRO_BATCH} examples`, String(microBatch))
  if (clip !== undefined && !(clip >= MIN_CLIP && clip <= MAX_CLIP))
    throw graphError('GRAPH_PRIVACY', `a clip is from ${MIN_CLIP} to ${MAX_CLIP}`, String(clip))
  const sizes = { batch: microBatch, ...(sequence !== undefined && { sequence }) }
  const named = weightsOf(spec.forward, spec.trainable)
  const used = spec.trainable === 'all' ? leadingToOutput(spec, named, sizes) : named
  // With a clip a weight of several uses is refused later, so that nobody trains another model than they think.
  const isKept = isTied ?? clip !== undefined
  const { model: forward, names } = isKept
    ? { model: spec.forward, names: used }
    : separateUses(spec.forward, used)
  const wantedNames = new Set(names)
  const tensors = forward.initializers.filter(({ name }) => wantedNames.has(name))
  if (tensors.length === 0) throw graphError('GRAPH_TARGET', 'there is no weight to train')
  const b = new GraphBuilder()
  const weights = tensors.map(({ dims }, i) => b.input(`p.${i}`, 'float32', dims))
  const users = new Map(
    forward.nodes.toReversed().flatMap((node) => node.inputs.map((name) => [name, node] as const)),
  )
  const given = new Map(tensors.map(({ name }, i) => [name, weights[i]!]))
  const { inputs, outputs } = importGraph(b, forward, sizes, given)
  const output = outputOf(outputs, loss.output)
  if (output.dims[0] !== microBatch)
    throw graphError('GRAPH_LOSS', 'axis 0 of the output is not the example', loss.output)
  const kind = LOSSES[loss.kind]
  const wanted = kind.targetOf(output)
  const target = b.input('target', wanted.type, wanted.dims)
  return {
    b,
    forward,
    parameters: tensors.map((tensor) => {
      const user = users.get(tensor.name)
      const scope = user && scopeOf(user)
      return {
        name: tensor.name,
        dims: tensor.dims,
        initial: floatsOf(tensor),
        ...(scope !== undefined && { scope }),
      }
    }),
    weights,
    data: [...inputs].map(([name, { type, dims }]) => ({ name, type, dims })),
    examples: [...inputs.values(), target],
    target: { name: 'target', ...wanted },
    output,
    losses: kind.add(b, output, target),
  }
}

/** Of all weights those that the output depends on: a model may hold parts that it does not use. */
function leadingToOutput(
  { forward, loss }: TrainSpec,
  names: readonly string[],
  sizes: Sizes,
): readonly string[] {
  const b = new GraphBuilder()
  const { values, outputs } = importGraph(b, forward, sizes)
  const leading = leadingTo(b.nodes, [outputOf(outputs, loss.output)])
  return names.filter((name) => leading.has(values.get(name)!))
}

function outputOf(outputs: ReadonlyMap<string, Value>, name: string): Value {
  const output = outputs.get(name)
  if (output === undefined) throw graphError('GRAPH_LOSS', 'no output has this name', name)
  return output
}
