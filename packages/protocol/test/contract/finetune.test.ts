import { expect, it } from 'vitest'
import {
  type Contract,
  epsilonMicrosFor,
  type FinetuneTask,
  type Input,
  priceOf,
  requireProvenPrivacy,
} from '@sotto/protocol/contract'
import { bankAndRetailer, changedBy, contradictionOf, named, output, rules, transform } from './contracts.ts'
import { PRIVACY } from './trainings.ts'

const everybody = ['bank', 'retailer']

/** A fine-tuning with a guarantee, and every member that it can have at once. */
function tuning(change: (task: FinetuneTask) => unknown = () => {}): FinetuneTask {
  const descent: FinetuneTask['descent'] = {
    steps: 100,
    batch: 16,
    optimiser: { kind: 'sgd', momentumMicros: 0, weightDecayMicros: 0 },
    schedule: { kind: 'constant', rateNanos: 1_000_000, warmupSteps: 0, floorMicros: 0 },
    stopEarly: { every: 10, patience: 2 },
  }
  const task: FinetuneTask = {
    kind: 'finetune',
    model: 'base',
    digest: '55'.repeat(32),
    lora: { rank: 8, alphaMilli: 16_000, targets: ['attn_q', 'attn_v'] },
    texts: ['letters', 'notes'],
    tokens: 256,
    validation: { texts: ['public'] },
    descent,
    privacy: { ...PRIVACY, epsilonMicros: epsilonMicrosFor(PRIVACY, descent) },
    metrics: ['loss'],
    show: 'steps',
    limits: { memoryBytes: 2 ** 32, seconds: 3600 },
  }
  change(task)
  return task
}

/** The letters of a bank and the notes of a retailer, beside the bank's model. */
function writers(task: FinetuneTask = tuning(), change: (one: Contract) => unknown = () => {}): Contract {
  const input = (name: string, owner: string, kind: Input['kind']): Input => ({
    name,
    owner,
    kind,
    uses: [{ transform: 'tune', runs: 2 }],
    rules: rules(everybody),
  })
  return changedBy(bankAndRetailer(), (one) => {
    one.inputs = [
      input('letters', 'bank', 'text'),
      input('notes', 'retailer', 'text'),
      input('public', 'bank', 'text'),
      input('base', 'bank', 'model'),
    ]
    one.transforms = [transform('tune', ['letters', 'notes', 'public', 'base'], task)]
    one.outputs = [
      output('adapter', 'tune', everybody),
      { ...output('tensors', 'tune', everybody), part: 'safetensors' },
      { ...output('figures', 'tune', everybody), part: 'metrics' },
    ]
    change(one)
  })
}

const withTask = (change: (task: FinetuneTask) => unknown): Contract => writers(tuning(change))
const withOpen = (change: (task: FinetuneTask) => unknown): Contract =>
  withTask((task) => {
    delete task.privacy
    change(task)
  })

it.each<[string, () => Contract]>([
  ['a guarantee, and figures of texts apart', () => writers()],
  ['no guarantee, and loss that everybody sees', () => withOpen((task) => (task.show = 'loss'))],
  [
    'a part of the texts to measure with',
    () =>
      withOpen((task) => {
        task.validation = { splitNanos: 100_000_000 }
        task.texts.push('public')
      }),
  ],
])('takes %s', (_, contract) => {
  const one = contract()
  expect(contradictionOf(one)).toBeUndefined()
  expect(named(one).contract).toEqual(one)
})

it.each<[string, () => Contract, RegExp]>([
  ['a rank of 0', () => withTask((task) => (task.lora.rank = 0)), /rank/],
  ['a rank past its bound', () => withTask((task) => (task.lora.rank = 257)), /rank/],
  ['no alpha', () => withTask((task) => (task.lora.alphaMilli = 0)), /alphaMilli/],
  ['no target', () => withTask((task) => (task.lora.targets = [])), /targets/],
  ['a target twice', () => withTask((task) => task.lora.targets.push('attn_q')), /target is named twice/],
  ['another target', () => withTask((task) => task.lora.targets.push('output' as never)), /targets/],
  ['a member too many', () => withTask((task) => Object.assign(task.lora, { dropout: 1 })), /dropout|member/],
  ['windows of no length', () => withTask((task) => (task.tokens = 7)), /tokens/],
  ['windows past their bound', () => withTask((task) => (task.tokens = 4097)), /tokens/],
  ['no steps', () => withTask((task) => delete (task as Partial<FinetuneTask>).descent), /descent/],
  ['a text twice', () => withTask((task) => task.texts.push('notes')), /text is named twice/],
  ['other figures', () => withTask((task) => (task.metrics = ['auc' as never])), /metrics/],
  [
    'figures of nothing',
    () =>
      withTask((task) => {
        delete task.validation
        delete task.descent.stopEarly
      }),
    /no texts to measure/,
  ],
  [
    'a stop by nothing',
    () =>
      withTask((task) => {
        delete task.validation
        task.metrics = []
      }),
    /nothing is measured/,
  ],
  [
    'live loss under a guarantee',
    () => withTask((task) => (task.show = 'loss')),
    /loss of a step would tell/,
  ],
  [
    'exact figures of protected texts',
    () =>
      withTask((task) => {
        task.validation = { splitNanos: 1 }
        delete task.descent.stopEarly
      }),
    /figures would tell/,
  ],
  [
    'a stop by protected texts',
    () =>
      withTask((task) => {
        task.validation = { splitNanos: 1 }
        task.metrics = []
      }),
    /figures would tell/,
  ],
  [
    'a text that it does not read',
    () => withTask((task) => task.texts.push('others')),
    /does not read others/,
  ],
  ['a model that it does not read', () => withTask((task) => (task.model = 'other')), /does not read other/],
  [
    'a text that it makes nothing of',
    () =>
      withTask((task) => {
        task.texts.pop()
      }),
    /reads notes, and makes nothing of it/,
  ],
  ['a text to learn and to measure with', () => withTask((task) => task.texts.push('public')), /two places/],
  ['a model that is a text', () => writers(tuning(), (one) => (one.inputs[3]!.kind = 'text')), /no model/],
  ['a text that is a model', () => writers(tuning(), (one) => (one.inputs[0]!.kind = 'model')), /no text/],
  [
    'a text of which only passages are let out',
    () => writers(tuning(), (one) => (one.inputs[0]!.rules.maxCommonWords = 5)),
    /only passages/,
  ],
  [
    'a text to measure with of which only passages are let out',
    () => writers(tuning(), (one) => (one.inputs[2]!.rules.maxCommonWords = 5)),
    /reads public, of which its owner lets out only passages/,
  ],
  [
    'predictions',
    () => writers(tuning(), (one) => (one.outputs[1]!.part = 'predictions')),
    /tensors are predictions, and tune makes none/,
  ],
  [
    'figures that it does not make',
    () => withTask((task) => (task.metrics = [])),
    /are figures, and tune makes none/,
  ],
])('refuses %s', (_, contract, said) => {
  expect(contradictionOf(contract())).toMatch(said)
})

it('costs each text that it learns from, and no other input', () => {
  const task = tuning()
  const { epsilonMicros, deltaTrillionths } = task.privacy!
  for (const text of task.texts) expect(priceOf(task, text)).toEqual({ epsilonMicros, deltaTrillionths })
  for (const other of ['public', 'base']) expect(priceOf(task, other)).toBe(undefined)
  expect(
    priceOf(
      tuning((one) => delete one.privacy),
      'letters',
    ),
  ).toBe(undefined)
})

it('has to be charged with what its steps cost', () => {
  expect(() => requireProvenPrivacy(writers())).not.toThrow()
  expect(() => requireProvenPrivacy(withTask((task) => (task.privacy!.epsilonMicros -= 1000)))).toThrow(
    expect.objectContaining({ code: 'CONTRACT_PRIVACY' }),
  )
})
