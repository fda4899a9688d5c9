import type { TrainTask } from '@sotto/protocol/contract'
import { SottoError } from '@sotto/protocol/errors'
import { countOf, type OnnxModel } from '@sotto/protocol/onnx'
import { buildEvaluation, linearForward, mlpForward, type TrainSpec } from '@sotto/protocol/train-graph'
import { requireFeatures } from '../data/features.ts'
import { roomTrainError } from '../errors.ts'
import type { PrivacySettings } from '../settings.ts'
import { buildGraphs, type TableGraphs } from '../step/build.ts'
import { requirePrivateGraph } from './require-private-graph.ts'
import { microBatchOf, settingsOf } from './settings.ts'
import { type Target, targetOf } from './target.ts'
import { clipOf, layersOf } from './weights.ts'

/** What a task trains: a graph, and the steps of it. */
export interface TaskGraphs extends TableGraphs {
  readonly spec: TrainSpec
  readonly target: Target
}

/** First weights of a perceptron follow from it: they are public, and the same everywhere. */
const SEED = 1
/** Rows that the graph of a party takes at once: each may need much more memory than it has features. */
const LARGEST_OF_PARTY = 256
/** Output of the graph of a recipe. */
const OUTPUT = 'y'

/**
 * Builds the graphs of a task that moves weights. What is the matter with the graph of a party is said by its code alone:
 * whatever has a name in there is the party's.
 * @param forward of the recipe `graph`: what its owner sealed
 * @throws `ROOM_TRAIN_GRAPH`, `ROOM_TRAIN_PRIVACY`, `ROOM_TRAIN_SETTINGS`, `ROOM_TRAIN_TOO_LARGE`
 */
export function graphsOf(task: TrainTask, forward?: OnnxModel): TaskGraphs {
  const { data, recipe } = task
  const target = targetOf(data.label)
  const width = requireFeatures(data.features)
  const { privacy } = settingsOf(task)
  const plain: TrainSpec = {
    forward: forward ?? recipeOf(task, width, target.outputs),
    trainable: 'all',
    loss: { kind: target.loss, output: recipe.kind === 'graph' ? recipe.output : OUTPUT },
    microBatch: forward ? Math.min(LARGEST_OF_PARTY, microBatchOf(task)) : microBatchOf(task),
  }
  // Rows that are only measured are protected where figures have noise.
  const isPrivate = privacy !== undefined || task.metricsEpsilonMicros !== undefined
  try {
    if (forward && isPrivate) requirePrivateGraph(plain)
    const spec = privacy ? { ...plain, clip: clipOf(privacy, trainedIn(plain, privacy)) } : plain
    const graphs = buildGraphs(spec, target.classes)
    if (graphs.score.outputs !== target.outputs)
      throw roomTrainError('ROOM_TRAIN_GRAPH', 'the graph says more or less of a row than the label is', {
        expected: `${target.outputs} of each`,
      })
    return { ...graphs, spec, target }
  } catch (cause) {
    throw refusalOf(cause)
  }
}

function recipeOf({ recipe }: TrainTask, features: number, outputs: number): OnnxModel {
  if (recipe.kind !== 'linear' && recipe.kind !== 'mlp')
    throw roomTrainError('ROOM_TRAIN_GRAPH', 'the graph of a party is not there')
  const sizes = layersOf(recipe, features, outputs)
  return recipe.kind === 'mlp'
    ? mlpForward({ sizes, activation: recipe.activation, seed: SEED })
    : linearForward({ features, outputs })
}

/** How many weights are trained. Which of them are shared is another question with a clip. */
function trainedIn(spec: TrainSpec, { clip }: PrivacySettings): number {
  const { model } = buildEvaluation({ ...spec, clip })
  return model.inputs
    .filter(({ name }) => name.startsWith('p.'))
    .reduce((sum, { dims = [] }) => sum + countOf(dims.map(Number)), 0)
}

/** The codes of builders and readers of graphs, as those of training: their words quote names of the graph. */
export function refusalOf(cause: unknown): unknown {
  if (!(cause instanceof SottoError)) return cause
  const { code } = cause
  if (code === 'GRAPH_PRIVACY')
    return roomTrainError('ROOM_TRAIN_PRIVACY', 'the graph would break the guarantee', { cause })
  if (!/^(?:GRAPH|ONNX|GGUF)_/.test(code)) return cause
  return roomTrainError('ROOM_TRAIN_GRAPH', 'the graph is none that can be trained', { cause, found: code })
}
