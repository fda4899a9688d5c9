import {
  type Contract,
  epsilonMicrosFor,
  type Input,
  type TrainPrivacy,
  type TrainTask,
} from '@sotto/protocol/contract'
import { bankAndRetailer, changedBy, output, rules, transform } from './contracts.ts'

export const PRIVACY: TrainPrivacy = {
  sampleRateNanos: 10_000_000,
  noiseMicros: 1_000_000,
  clipMicros: 1_000_000,
  maxRowsPerContributor: 2,
  noise: 'gaussian',
  epsilonMicros: 0,
  deltaTrillionths: 10_000_000,
}
const STEPS = 200
PRIVACY.epsilonMicros = epsilonMicrosFor(PRIVACY, { steps: STEPS })

/** A training with a guarantee, and with every member that it can have at once. */
export function training(change: (task: TrainTask) => void = () => {}): TrainTask {
  const task: TrainTask = {
    kind: 'train',
    recipe: { kind: 'mlp', hidden: [16], activation: 'relu' },
    data: {
      tables: ['north', 'south'],
      features: [
        { column: 'amount', kind: 'number', min: 0, max: 1_000_000, decimals: 2 },
        { column: 'channel', kind: 'category', values: ['card', 'wire'] },
      ],
      label: { column: 'fraud', kind: 'category', values: ['false', 'true'] },
    },
    validation: { tables: ['public'] },
    descent: {
      steps: STEPS,
      batch: 256,
      optimiser: { kind: 'adamw', beta1Micros: 900_000, beta2Micros: 999_000, weightDecayMicros: 10_000 },
      schedule: { kind: 'cosine', rateNanos: 1_000_000, warmupSteps: 10, floorMicros: 100_000 },
      stopEarly: { every: 10, patience: 3 },
    },
    privacy: { ...PRIVACY },
    metrics: ['loss', 'accuracy', 'auc'],
    predict: { table: 'new', key: 'id' },
    show: 'steps',
    limits: { memoryBytes: 2 ** 30, seconds: 600 },
  }
  change(task)
  return task
}

/** A training whose rows nobody protects. */
export function open(change: (task: TrainTask) => void = () => {}): TrainTask {
  return training((task) => {
    delete task.privacy
    change(task)
  })
}

/** Two banks that protect their customers, and a bank that does not. */
export function banks(task: TrainTask = training(), change: (one: Contract) => void = () => {}): Contract {
  const everybody = ['bank', 'retailer']
  const table = (name: string, owner: string, isProtected: boolean): Input => ({
    name,
    owner,
    kind: 'table',
    columns: [
      { name: 'id', type: 'text' },
      { name: 'customer', type: 'text' },
      { name: 'iban', type: 'text' },
      { name: 'amount', type: 'number' },
      { name: 'channel', type: 'text' },
      { name: 'fraud', type: 'boolean' },
    ],
    uses: [
      isProtected
        ? { transform: 'learn', runs: 2, epsilonMicros: 20_000_000, deltaTrillionths: 50_000_000 }
        : { transform: 'learn', runs: 2 },
    ],
    rules: isProtected
      ? rules(everybody, {
          forbidden: ['iban'],
          minContributors: 10,
          contributor: 'customer',
          noisy: true,
        })
      : rules(everybody),
  })
  return changedBy(bankAndRetailer(), (one) => {
    one.title = 'One model of fraud'
    one.inputs = [
      table('north', 'bank', true),
      table('south', 'retailer', true),
      table('public', 'bank', false),
      table('new', 'bank', false),
    ]
    one.transforms = [transform('learn', ['north', 'south', 'public', 'new'], task)]
    one.outputs = [
      output('model', 'learn', everybody),
      { ...output('figures', 'learn', everybody), part: 'metrics' },
      { ...output('told', 'learn', ['bank']), part: 'predictions' },
    ]
    change(one)
  })
}
