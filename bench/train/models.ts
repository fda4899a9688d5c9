/** Models of public tables, beside what scikit-learn and Opacus come to with the same ones. */
import { renyiEpsilon } from '@sotto/protocol/privacy'
import { mlpForward } from '@sotto/protocol/train-graph'
import {
  buildGraphs,
  Chance,
  clipWithin,
  createTrainer,
  encodePart,
  measure,
  openScore,
  openStep,
  readFor,
  splitTable,
  train,
  type TrainSettings,
} from '../../packages/enclave/src/train/index.ts'
import { adult, digits, type PublicTable } from '../../packages/enclave/test/train/public-data.ts'

/** How good a model is. */
export interface Quality {
  readonly name: string
  /** Part of rows that were held back and are told right. */
  readonly accuracy: number
  /** What is known of the same model elsewhere, and how far below it may be. */
  readonly peer: number
  readonly epsilon?: number
}

/** Points of a hundredth that an accuracy may be under the peer's: other rows were held back there. */
export const QUALITY_GOAL = 0.01

const FIFTH = 200_000_000
const DELTA = 1e-5
const ADAM: TrainSettings = {
  steps: 300,
  expectedBatch: 1024,
  optimiser: { kind: 'adamw', beta1: 0.9, beta2: 0.999, weightDecay: 0 },
  schedule: { kind: 'cosine', rate: 0.05, warmupSteps: 0, floor: 0 },
}

interface Model {
  readonly name: string
  readonly table: PublicTable
  readonly hidden: readonly number[]
  readonly settings: TrainSettings
  readonly peer: number
}

/** Trains on four fifths of each table and measures with the rest. */
export async function measureModels(say: (line: string) => void): Promise<Quality[]> {
  const found: Quality[] = []
  for (const model of modelsOf()) {
    const accuracy = await accuracyOf(model)
    const { privacy, steps } = model.settings
    const cost =
      privacy && renyiEpsilon([{ rate: privacy.sampleRateNanos / 1e9, noise: privacy.noise, steps }], DELTA)
    const quality = { name: model.name, accuracy, peer: model.peer, ...(cost && { epsilon: cost.epsilon }) }
    found.push(quality)
    say(
      `${model.name}${cost ? `, epsilon ${cost.epsilon.toFixed(2)} at ${DELTA}` : ''}: ${percent(accuracy)}, ` +
        `elsewhere ${percent(model.peer)}; ${isAsGood(quality) ? 'as good' : 'WORSE'}`,
    )
  }
  if (found.length === 0) say('no public tables: SOTTO_VECTORS names the folder of vectors')
  return found
}

/** Whether a model is as good as elsewhere. */
export function isAsGood({ accuracy, peer }: Quality): boolean {
  return accuracy >= peer - QUALITY_GOAL
}

function modelsOf(): Model[] {
  const [income, numbers] = [adult(), digits()]
  const models: Model[] = []
  if (income) {
    models.push({
      name: 'Adult, logistic regression',
      table: income,
      hidden: [],
      settings: ADAM,
      peer: 0.8465,
    })
    const slower: TrainSettings = { ...ADAM, schedule: { ...ADAM.schedule, rate: 0.01 } }
    models.push({
      name: 'Adult, perceptron of 32',
      table: income,
      hidden: [32],
      settings: slower,
      peer: 0.853,
    })
    for (const [noise, peer, perceptron] of [
      [0.8, 0.847, 0.849],
      [1.5, 0.847, 0.849],
      [4, 0.845, 0.851],
    ] as const) {
      const settings = privateSettings(noise, 0.5)
      const careful = privateSettings(noise, 0.15)
      const table = { ...income, spec: { ...income.spec, isPrivate: true } }
      models.push({ name: `Adult, logistic regression, noise ${noise}`, table, hidden: [], settings, peer })
      models.push({
        name: `Adult, perceptron of 32, noise ${noise}`,
        table,
        hidden: [32],
        settings: careful,
        peer: perceptron,
      })
    }
  }
  if (numbers) {
    const settings: TrainSettings = {
      ...ADAM,
      expectedBatch: 256,
      schedule: { ...ADAM.schedule, rate: 0.01 },
    }
    models.push({ name: 'digits, perceptron of 64', table: numbers, hidden: [64], settings, peer: 0.97 })
  }
  return models
}

/** 256 rows of 32561 in each step, of which four fifths are here. */
function privateSettings(noise: number, rate: number): TrainSettings {
  return {
    steps: 1200,
    expectedBatch: 205,
    optimiser: { kind: 'sgd', momentum: 0.9, weightDecay: 0 },
    schedule: { kind: 'cosine', rate, warmupSteps: 0, floor: 0 },
    privacy: { sampleRateNanos: 7_862_166, noise, clip: 1, maxRowsPerUnit: 1, kind: 'gaussian' },
  }
}

async function accuracyOf({ table: { source, spec }, hidden, settings }: Model): Promise<number> {
  const chance = new Chance(new Uint8Array(32).fill(21))
  const table = readFor(source, spec)
  const split = splitTable(table, FIFTH, chance, 0)
  const [part, held] = [encodePart(table, spec, split.train), encodePart(table, spec, split.validation)]
  const classes = spec.label.kind === 'category' ? spec.label.values.length : 0
  const outputs = classes === 2 ? 1 : classes
  const sizes = [part.width, ...hidden, outputs]
  const parameters = sizes.slice(1).reduce((sum, to, at) => sum + to * (sizes[at]! + 1), 0)
  const clip = settings.privacy && clipWithin({ ...settings.privacy, parameters })
  const graphs = buildGraphs(
    {
      forward: mlpForward({ sizes, activation: 'relu', seed: 5 }),
      trainable: 'all',
      loss: { kind: outputs === 1 ? 'binary' : 'cross-entropy', output: 'y' },
      microBatch: 256,
      ...(clip !== undefined && { clip }),
    },
    classes,
  )
  const session = await openStep(graphs.step)
  const parts = [{ place: 0, part }]
  const trainer = await createTrainer({ session, parts, places: [0], totalRows: part.rows, chance, settings })
  const { state } = await train({ trainer, settings })
  const scorer = await openScore(graphs.score)
  const scored = { scores: await scorer.score(state.parameters, held), labels: held.labels }
  await Promise.all([session.close(), scorer.close()])
  const [found] = measure(outputs === 1 ? 'two' : 'many', 'validation', ['accuracy'], scored)
  return found!.valueMicros / 1e6
}

function percent(part: number): string {
  return `${(part * 100).toFixed(2)} %`
}
