import { expect, it } from 'vitest'
import { type Contract, type TrainTask } from '@sotto/protocol/contract'
import { changedBy, contradictionOf, named } from './contracts.ts'
import { banks, open, PRIVACY, training } from './trainings.ts'

type Change = (task: TrainTask) => unknown
const withTask = (change: Change): Contract => banks(training((task) => void change(task)))
const withOpen = (change: Change): Contract => changedBy(banks(open((task) => void change(task))), unprotect)
/** No owner asks for anything of rows. */
function unprotect(one: Contract): void {
  for (const input of one.inputs) {
    input.rules = { ...input.rules, noisy: false, minContributors: 1, forbidden: [] }
    for (const use of input.uses) {
      delete use.epsilonMicros
      delete use.deltaTrillionths
    }
  }
}
/** One training on columns of two tables, whose customers are protected. */
function joined(change: (one: Contract, task: TrainTask) => void = () => {}): Contract {
  const task = training((one) => {
    one.data.joinOn = ['customer']
    delete one.validation
    delete one.descent!.stopEarly
    delete one.predict
    one.metrics = []
  })
  return changedBy(banks(task), (one) => {
    const [north, south] = one.inputs
    one.inputs = [north!, south!]
    one.transforms[0]!.reads = ['north', 'south']
    one.outputs = one.outputs.slice(0, 1)
    north!.columns = [
      { name: 'customer', type: 'text' },
      { name: 'amount', type: 'number' },
      { name: 'iban', type: 'text' },
    ]
    south!.columns = [
      { name: 'customer', type: 'text' },
      { name: 'channel', type: 'text' },
      { name: 'iban', type: 'text' },
      { name: 'fraud', type: 'boolean' },
    ]
    change(one, one.transforms[0]!.task as TrainTask)
  })
}

const GOOD: [what: string, contract: () => Contract][] = [
  ['a guarantee, figures of open rows, and predictions of open rows', () => banks()],
  ['no guarantee where nobody asks for one', () => withOpen(() => {})],
  [
    'trees',
    () =>
      withOpen((task) => {
        task.recipe = {
          kind: 'gbdt',
          trees: 10,
          depth: 3,
          bins: 32,
          learningRateMicros: 100_000,
          lambdaMicros: 1_000_000,
          minChildWeightMicros: 1_000_000,
        }
        delete task.descent
      }),
  ],
  [
    'a part of the contributors to measure with, with noise',
    () =>
      withTask((task) => {
        task.validation = { splitNanos: 200_000_000 }
        task.metricsEpsilonMicros = 1_000_000
        delete task.descent!.stopEarly
        task.data.tables.push('public')
      }),
  ],
  ['columns of two tables', () => joined()],
  [
    'discrete noise for all rows',
    () =>
      withTask((task) => {
        task.privacy!.noise = 'discrete'
        task.privacy!.sampleRateNanos = 1_000_000_000
        task.privacy!.noiseMicros = 100_000_000
      }),
  ],
  [
    'loss that everybody sees, of rows that are open',
    () =>
      withOpen((task) => {
        task.show = 'loss'
      }),
  ],
]

it.each(GOOD)('takes %s', (_, contract) => {
  const one = contract()
  expect(contradictionOf(one)).toBeUndefined()
  expect(named(one).contract).toEqual(one)
})

const REFUSED: [what: string, contract: () => Contract, said: RegExp][] = [
  // What a single task contradicts itself in.
  [
    'trees with steps',
    () =>
      withOpen(
        (task) =>
          (task.recipe = {
            kind: 'gbdt',
            trees: 1,
            depth: 1,
            bins: 2,
            learningRateMicros: 1,
            lambdaMicros: 0,
            minChildWeightMicros: 0,
          }),
      ),
    /steps are of weights/,
  ],
  [
    'weights without steps',
    () =>
      withTask((task) => {
        delete task.descent
      }),
    /steps are of weights/,
  ],
  [
    'trees with a guarantee',
    () =>
      withTask((task) => {
        task.recipe = {
          kind: 'gbdt',
          trees: 1,
          depth: 1,
          bins: 2,
          learningRateMicros: 1,
          lambdaMicros: 0,
          minChildWeightMicros: 0,
        }
        delete task.descent
      }),
    /trees give no guarantee/,
  ],
  [
    'live loss under a guarantee',
    () => withTask((task) => (task.show = 'loss')),
    /loss of a step would tell/,
  ],
  [
    'a stop by protected rows',
    () =>
      withTask((task) => {
        task.validation = { splitNanos: 1 }
        task.metrics = []
      }),
    /when a training stops would tell/,
  ],
  [
    'exact figures of protected rows',
    () =>
      withTask((task) => {
        task.validation = { splitNanos: 1 }
        delete task.descent!.stopEarly
      }),
    /figures would tell/,
  ],
  [
    'figures of no rows',
    () =>
      withTask((task) => {
        delete task.validation
        delete task.descent!.stopEarly
      }),
    /no rows to measure/,
  ],
  [
    'a stop by no rows',
    () =>
      withTask((task) => {
        delete task.validation
        task.metrics = []
      }),
    /nothing is measured/,
  ],
  [
    'noise of no figure',
    () =>
      withTask((task) => {
        task.metrics = []
        task.metricsEpsilonMicros = 5
      }),
    /no figure has the noise/,
  ],
  [
    'less than a millionth of noise for each figure',
    () => withTask((task) => (task.metricsEpsilonMicros = 2)),
    /no part of the noise budget/,
  ],
  [
    'classes of numbers',
    () =>
      withTask(
        (task) => (task.data.label = { column: 'fraud', kind: 'number', min: 0, max: 1, decimals: 0 }),
      ),
    /numbers have no classes/,
  ],
  [
    'auc of three classes',
    () =>
      withTask((task) => (task.data.label = { column: 'fraud', kind: 'category', values: ['a', 'b', 'c'] })),
    /auc is of two/,
  ],
  [
    'a label of one class',
    () => withTask((task) => (task.data.label = { column: 'fraud', kind: 'category', values: ['a'] })),
    /one class/,
  ],
  [
    'the label as a feature',
    () => withTask((task) => task.data.features.push(task.data.label)),
    /named twice/,
  ],
  [
    'discrete noise over a sample',
    () => withTask((task) => (task.privacy!.noise = 'discrete')),
    /all rows in each step/,
  ],
  [
    'a schedule that only warms up',
    () => withTask((task) => (task.descent!.schedule.warmupSteps = 200)),
    /only warms up/,
  ],
  ['no epsilon', () => withTask((task) => (task.privacy!.epsilonMicros = 0)), /epsilonMicros/],
  ['noise under a tenth', () => withTask((task) => (task.privacy!.noiseMicros = 99_999)), /noiseMicros/],
  [
    'a recipe of every object',
    () => withTask((task) => Object.assign(task.recipe, { kind: 'constructor' })),
    /recipe\.kind/,
  ],
  [
    'a member too many',
    () => withTask((task) => Object.assign(task.recipe, { dropout: 1 })),
    /dropout|member/,
  ],
  [
    'bounds the wrong way',
    () => withTask((task) => Object.assign(task.data.features[0]!, { min: 5, max: 5 })),
    /bounds/,
  ],
  // Of the graph.
  [
    'a table that it does not read',
    () => withTask((task) => task.data.tables.push('others')),
    /does not read others/,
  ],
  [
    'a table that it makes nothing of',
    () =>
      withTask((task) => {
        delete task.predict
      }),
    /makes nothing of it/,
  ],
  [
    'a table that is trained on and measured with',
    () => withTask((task) => (task.validation = { tables: ['north', 'public'] })),
    /two places/,
  ],
  [
    'a column that one table lacks',
    () =>
      banks(
        training(),
        (one) => (one.inputs[1]!.columns = one.inputs[1]!.columns!.filter(({ name }) => name !== 'amount')),
      ),
    /reads amount, which south does not have/,
  ],
  [
    'a text as a number',
    () => withTask((task) => (task.data.features[0]!.column = 'id')),
    /as a number, and it is text/,
  ],
  [
    'predictions that are of no column',
    () => withTask((task) => (task.predict!.key = 'nobody')),
    /has no column nobody/,
  ],
  [
    'a graph that is a table',
    () =>
      withTask((task) => {
        task.recipe = { kind: 'graph', model: 'public', digest: '11'.repeat(32), output: 'y' }
        delete task.descent!.stopEarly
        delete task.validation
        task.metrics = []
      }),
    /which is no model/,
  ],
  [
    'a part that a training does not make',
    () =>
      banks(
        training((task) => {
          task.metrics = []
        }),
      ),
    /figures, and learn makes none/,
  ],
  [
    'predictions of a training without',
    () =>
      changedBy(banks(), (one) => {
        delete (one.transforms[0]!.task as TrainTask).predict
        one.transforms[0]!.reads.pop()
        one.inputs.pop()
      }),
    /predictions, and learn makes none/,
  ],
  [
    'a join by a column that one lacks',
    () => joined((one) => one.inputs[1]!.columns!.shift()),
    /has no column customer|joins on customer/,
  ],
  [
    'a join by a column of numbers with fractions',
    () =>
      joined((one) => {
        for (const { columns } of one.inputs)
          columns!.find(({ name }) => name === 'customer')!.type = 'number'
      }),
    /number is no type of keys/,
  ],
  [
    'a join by another column than contributors',
    () =>
      joined((one) => {
        for (const input of one.inputs) input.columns!.push({ name: 'day', type: 'date' })
        ;(one.transforms[0]!.task as TrainTask).data.joinOn = ['day']
      }),
    /another column than its contributors/,
  ],
  [
    'a join by another column than contributors, of which figures have noise',
    () =>
      joined((one, task) => {
        unprotect(one)
        for (const input of one.inputs) input.columns!.push({ name: 'day', type: 'date' })
        delete task.privacy
        task.data.joinOn = ['day']
        task.validation = { splitNanos: 1 }
        task.metrics = ['loss']
        task.metricsEpsilonMicros = 1
      }),
    /another column than its contributors/,
  ],
  [
    'a column of two joined tables',
    () => joined((one) => one.inputs[0]!.columns!.push({ name: 'channel', type: 'text' })),
    /not in one table only/,
  ],
  // What owners ask.
  ['no guarantee where an owner asks for noise', () => banks(open()), /without the guarantee/],
  [
    'no guarantee where an owner counts contributors',
    () =>
      banks(open(), (one) => {
        for (const input of one.inputs) input.rules.noisy = false
      }),
    /without the guarantee/,
  ],
  [
    'a forbidden column, in other letters',
    () => banks(training(), (one) => (one.inputs[0]!.rules.forbidden = ['AMOUNT'])),
    /reads amount of north, which its owner forbids/,
  ],
  [
    'predictions of protected rows',
    () =>
      banks(training(), (one) =>
        Object.assign(one.inputs[3]!.rules, { noisy: true, contributor: 'customer' }),
      ),
    /tell of single rows of new/,
  ],
  [
    'exact figures of rows that ask for noise',
    () =>
      banks(training(), (one) =>
        Object.assign(one.inputs[2]!.rules, { noisy: true, contributor: 'customer' }),
      ),
    /measures with public without the noise/,
  ],
  [
    'a guarantee without a budget',
    () =>
      banks(training(), (one) => {
        delete one.inputs[0]!.uses[0]!.epsilonMicros
        delete one.inputs[0]!.uses[0]!.deltaTrillionths
      }),
    /has no budget of it/,
  ],
  [
    'a guarantee without a budget of delta',
    () =>
      banks(training(), (one) => {
        delete one.inputs[0]!.uses[0]!.deltaTrillionths
      }),
    /with a delta, which has no budget/,
  ],
  [
    'a budget under one run',
    () => banks(training(), (one) => (one.inputs[0]!.uses[0]!.epsilonMicros = PRIVACY.epsilonMicros - 1)),
    /does not suffice for one run/,
  ],
  [
    'a budget of delta under one run',
    () =>
      banks(training(), (one) => (one.inputs[0]!.uses[0]!.deltaTrillionths = PRIVACY.deltaTrillionths - 1)),
    /does not suffice for one run/,
  ],
  [
    'a budget of delta only',
    () =>
      changedBy(
        withOpen(() => {}),
        (one) => (one.inputs[0]!.uses[0]!.deltaTrillionths = 1),
      ),
    /has a delta, and no epsilon/,
  ],
  [
    'loss that somebody sees who may not',
    () =>
      changedBy(
        withOpen((task) => {
          task.show = 'loss'
        }),
        (one) => {
          one.inputs[0]!.rules.receivers = ['bank']
          for (const made of one.outputs) made.receivers = ['bank']
        },
      ),
    /show its loss to retailer/,
  ],
  [
    'loss before its owner has looked',
    () =>
      changedBy(
        withOpen((task) => {
          task.show = 'loss'
        }),
        (one) => (one.inputs[0]!.rules.review = true),
      ),
    /before the owner of north has looked/,
  ],
]

it.each(REFUSED)('refuses %s', (_, contract, said) => {
  expect(contradictionOf(contract())).toMatch(said)
})

it('takes no more guarantees than an accountant looks at', () => {
  const many = changedBy(banks(), (one) => {
    for (const name of ['b', 'c', 'd', 'e']) {
      one.transforms.push({ ...one.transforms[0]!, name })
      for (const input of one.inputs) input.uses.push({ ...input.uses[0]!, transform: name })
    }
  })
  expect(contradictionOf(many)).toMatch(/more than 4 guarantees/)
})
