import {
  type Contract,
  type FinetuneTask,
  type Left,
  type NamedContract,
  remaining,
  type Spent,
  type TrainTask,
} from '@sotto/protocol/contract'
import { beforeAll, describe, expect, it } from 'vitest'
import {
  bankAndRetailer,
  changedBy,
  everything,
  output,
  rules,
  summaries,
  transform,
} from '../../../../protocol/test/contract/contracts.ts'
import { banks, open, PRIVACY, training } from '../../../../protocol/test/contract/trainings.ts'
import { changedLeaves } from './changed-leaves.ts'
import { loadComponent, type Render, textOf } from './render-component.ts'

const named = (contract: Contract): NamedContract => ({ contract, digest: '0'.repeat(64) })

const TREES: TrainTask['recipe'] = {
  kind: 'gbdt',
  trees: 100,
  depth: 4,
  bins: 64,
  learningRateMicros: 100_000,
  lambdaMicros: 1_000_000,
  minChildWeightMicros: 2_000_000,
}
const GRAPH: TrainTask['recipe'] = {
  kind: 'graph',
  model: 'net',
  digest: '11'.repeat(32),
  output: 'logits',
}

const FINETUNING: FinetuneTask = {
  kind: 'finetune',
  model: 'llama',
  digest: '11'.repeat(32),
  lora: { rank: 8, alphaMilli: 16_000, targets: ['attn_q', 'attn_v'] },
  texts: ['letters', 'replies'],
  tokens: 128,
  validation: { splitNanos: 200_000_000 },
  descent: open().descent!,
  metrics: ['loss'],
  show: 'loss',
  limits: { memoryBytes: 2 ** 30, seconds: 600 },
}

/** A model of a retailer, tuned on letters of both. */
function tuned(task: FinetuneTask): Contract {
  const everybody = ['bank', 'retailer']
  return changedBy(bankAndRetailer(), (one) => {
    one.inputs = ['letters', 'replies', 'llama'].map((name, at) => ({
      name,
      owner: everybody[at % 2]!,
      kind: name === 'llama' ? 'model' : 'text',
      uses: [{ transform: 'tune', runs: 1 }],
      rules: rules(everybody),
    }))
    one.transforms = [transform('tune', ['letters', 'replies', 'llama'], task)]
    one.outputs = [
      output('adapter', 'tune', everybody),
      { ...output('tensors', 'tune', everybody), part: 'safetensors' },
    ]
  })
}

const CONTRACTS: [string, Contract][] = [
  ['queries', bankAndRetailer()],
  ['a model over texts', summaries()],
  ['everything but trainings', everything()],
  ['a training with a guarantee', banks()],
  [
    'figures with noise, of a part that is drawn',
    banks(
      training((task) => {
        task.validation = { splitNanos: 200_000_000 }
        delete task.descent!.stopEarly
        task.metricsEpsilonMicros = 500_000
      }),
    ),
  ],
  [
    'a regression of joined tables by SGD',
    banks(
      open((task) => {
        task.recipe = { kind: 'linear' }
        task.data.joinOn = ['customer']
        task.data.label = { column: 'fraud', kind: 'number', min: -50, max: 150, decimals: 2 }
        task.descent!.optimiser = { kind: 'sgd', momentumMicros: 900_000, weightDecayMicros: 1 }
        task.metrics = []
        task.show = 'loss'
      }),
    ),
  ],
  [
    'trees',
    banks(
      open((task) => {
        task.recipe = TREES
        delete task.descent
      }),
    ),
  ],
  ["a party's graph", banks(open((task) => (task.recipe = GRAPH)))],
  ['a fine-tuning', tuned(FINETUNING)],
  [
    'a fine-tuning with a guarantee',
    tuned({ ...FINETUNING, show: 'steps', validation: { texts: ['replies'] }, privacy: PRIVACY }),
  ],
]

describe('what a party reads before it signs', () => {
  let terms: Render
  beforeAll(async () => {
    terms = await loadComponent('Terms')
  }, 60_000)
  const room = { own: { key: '', sealTo: '' }, state: { members: new Map() } }
  const wordsOf = (contract: Contract, left: Left[] = []): string =>
    textOf(terms({ room, named: named(contract), view: { left, accepted: [], closed: [] }, isTold: false }))

  it.each(CONTRACTS)('changes with each member of the contract: %s', (_what, contract) => {
    const text = wordsOf(contract)
    const changed = changedLeaves(contract)
    expect(changed.length).toBeGreaterThan(25)
    expect(changed.filter(({ value }) => wordsOf(value) === text).map(({ path }) => path)).toEqual([])
  })

  it('says who is protected by a training, how much, what each table pays, and what leaves', () => {
    const text = wordsOf(banks())
    for (const said of [
      'a multi-layer perceptron: hidden layers of 16 with ReLU',
      'rows of north, south',
      'From 2 columns',
      'amount: a number, 0 to 10000 (2 places); what is past them counts as they do',
      'channel: a category, one of ["card","wire"]; anything else is one more value',
      'fraud: a category, one of ["false","true"]',
      '200 steps; the sum of each is divided by 256 rows, however many are drawn',
      'by AdamW: betas 0.9 and 0.999, weight decay 0.01',
      'learning rate 0.001, falling as a cosine does; 10 steps to warm up, 0.1 of it at the last step',
      'ends early when the loss, measured every 10 steps, was not better 3 times',
      `each contributor of north, whom its column customer tells, is protected with epsilon ${PRIVACY.epsilonMicros / 1e6} at delta 1e-5 a run`,
      'who is in several of them is protected with the sum of what each costs',
      'each is in a step with probability 0.01, with at most 2 rows, and moves its sum by at most 1; Gaussian noise of 1 times that is added',
      'loss, accuracy, auc of rows of public',
      'of each row of new, beside its id',
      'parties see how many steps are done',
      'learn: 2 runs, epsilon 20 at delta 5e-5 in all',
      'the model of learn, at most',
      'figures of learn, at most',
      'predictions of learn, at most',
    ])
      expect(text).toContain(said)
    expect(text).not.toContain('Nothing is guaranteed')
  })

  it('says that nothing is guaranteed where nothing is', () => {
    expect(wordsOf(banks(open()))).toContain(
      'Nothing is guaranteed: the model may tell of single rows of north, south.',
    )
    const text = wordsOf(tuned(FINETUNING))
    expect(text).toContain('Nothing is guaranteed: the model may tell of single texts of letters, replies.')
    expect(text).toContain('the adapter of tune')
    expect(text).toContain('the adapter as safetensors of tune')
  })

  it('shows what is left of epsilon and delta', () => {
    const spent: Spent[] = [
      { input: 'north', transform: 'learn', runs: 1, epsilonMicros: 500_000, deltaTrillionths: 10_000_000 },
    ]
    expect(wordsOf(banks(), remaining(banks(), spent))).toContain(
      '1 of 2 runs used, epsilon 19.5 at delta 4e-5 left',
    )
  })
})
