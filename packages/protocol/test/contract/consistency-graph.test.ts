import { describe, expect, it } from 'vitest'
import type { Contract } from '@sotto/protocol/contract'
import {
  bankAndRetailer,
  changedBy,
  contradictionOf,
  everything,
  infer,
  prepared,
  rules,
  sql,
  summaries,
  transform,
  uses,
  wasm,
} from './contracts.ts'

type Attack = [name: string, contract: Contract, refusal: string]
const onBank = (change: (one: Contract) => void): Contract => changedBy(bankAndRetailer(), change)
const onSummaries = (change: (one: Contract) => void): Contract => changedBy(summaries(), change)
const onEverything = (change: (one: Contract) => void): Contract => changedBy(everything(), change)

const GRAPHS: Attack[] = [
  [
    'circle: two transforms that read each other',
    prepared(transform('counts', ['customers', 'shown'], sql())),
    'counts reads shown, which does not come before it',
  ],
  [
    'own-result: a transform that reads itself',
    prepared(transform('counts', ['customers', 'counts'], sql())),
    'counts reads counts, which does not come before it',
  ],
  [
    'unknown-read: a transform that reads what is not there',
    prepared(transform('counts', ['customers', 'others'], sql())),
    'counts reads others, which does not come before it',
  ],
  [
    'shadowed-input: a transform with the name of an input',
    prepared(transform('purchases', ['customers'], sql())),
    'purchases is named twice',
  ],
  [
    'transform-twice: two transforms of one name',
    onBank((one) => one.transforms.push(one.transforms[0]!)),
    'offers is named twice',
  ],
  [
    'unknown-owner: an input of nobody',
    onBank((one) => (one.inputs[0]!.owner = 'broker')),
    'the owner of customers is no party',
  ],
  [
    'unknown-use: a use of no transform',
    onBank((one) => one.inputs[0]!.uses.push(...uses('others'))),
    'customers may be used by others, which is no transform',
  ],
  [
    'output-of-input: an output that is an input itself',
    onBank((one) => (one.outputs[0]!.from = 'customers')),
    'met-offers is of customers, which is no transform',
  ],
  [
    'open-choice: a query before another, which nobody chooses the template of',
    prepared(
      transform(
        'counts',
        ['customers'],
        sql({ templates: ['a', 'b'].map((name) => ({ name, sql: 'SELECT 1', parameters: [] })) }),
      ),
    ),
    'shown reads counts, which has no one query without parameters',
  ],
  [
    'open-argument: a query before another, which nobody gives the arguments of',
    prepared(transform('counts', ['customers'], bankAndRetailer().transforms[0]!.task)),
    'shown reads counts, which has no one query without parameters',
  ],
]

const TASKS: Attack[] = [
  [
    'queried-text: a query over texts',
    onSummaries((one) => (one.transforms[0]!.task = sql())),
    'summarise queries letters, which is no table',
  ],
  [
    'unread-model: a model that the transform does not read',
    onSummaries((one) => (one.transforms[0]!.reads = ['letters'])),
    'summarise runs t5, which is no model among what it reads',
  ],
  [
    'text-as-model: a text in the place of a model',
    onSummaries((one) => (one.transforms[0]!.task = infer({ model: 'letters' }))),
    'summarise runs letters, which is no model among what it reads',
  ],
  [
    'model-as-code: a model in the place of code',
    onSummaries((one) => (one.transforms[0]!.task = wasm('t5'))),
    'summarise runs t5, which is no code among what it reads',
  ],
  [
    'result-as-code: code that another transform wrote',
    onEverything(
      (one) => (one.transforms[3]!.task = { ...one.transforms[3]!.task, image: 'shown' } as never),
    ),
    'packed runs shown, which is no code among what it reads',
  ],
  [
    'unpinned-code: a module that its owner may change',
    onEverything((one) => delete one.inputs[3]!.content),
    'shown runs module, whose content is not agreed on',
  ],
  [
    'nothing-to-do: a model alone',
    onSummaries((one) => (one.transforms[0]!.reads = ['t5'])),
    'summarise reads nothing but what it runs',
  ],
  [
    'summary-of-model: a second model in the place of texts',
    onSummaries((one) => (one.inputs[0] = { ...one.inputs[1]!, name: 'letters', owner: 'archive' })),
    'summarise cannot summarise letters, which is model',
  ],
  [
    'summary-of-table: rows in the place of texts',
    onSummaries((one) => {
      const { columns } = bankAndRetailer().inputs[0]!
      one.inputs[0] = { ...one.inputs[0]!, kind: 'table', columns: columns!, rules: rules(['reader']) }
    }),
    'summarise cannot summarise letters, which is table',
  ],
  [
    'table-without-columns: a table of unknown columns',
    onBank((one) => delete one.inputs[0]!.columns),
    'customers: columns are of tables, which need them',
  ],
  [
    'text-with-columns: columns of texts',
    onSummaries((one) => (one.inputs[0]!.columns = [{ name: 'a', type: 'text' }])),
    'letters: columns are of tables, which need them',
  ],
]

const PEOPLE: Attack[] = [
  [
    'shared-key: two parties with one signing key',
    onBank((one) => (one.parties[1]!.key = one.parties[0]!.key)),
    'two parties have one key',
  ],
  [
    'shared-seal: two parties with one key to seal to',
    onBank((one) => (one.parties[1]!.sealTo = one.parties[0]!.sealTo)),
    'two parties have one key',
  ],
  ['party-twice', onBank((one) => (one.parties[1]!.name = 'bank')), 'something is named twice'],
  ['input-twice', onBank((one) => (one.inputs[1]!.name = 'customers')), 'something is named twice'],
  ['output-twice', onBank((one) => (one.outputs[1]!.name = 'met-offers')), 'something is named twice'],
]

describe.each<[string, Attack[]]>([
  ['a graph without sense', GRAPHS],
  ['a task that cannot run', TASKS],
  ['people who are not apart', PEOPLE],
])('%s', (_, attacks) => {
  it.each(attacks)('%s: refused', (_name, contract, refusal) => {
    expect(contradictionOf(contract)).toBe(`contract contradicts itself: ${refusal}`)
  })
})
