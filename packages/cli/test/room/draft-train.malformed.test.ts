import { describe, expect, it } from 'vitest'
import { contractIn } from './drafts.ts'
import { trainingDraft } from './training-drafts.ts'

const PRIVATE = { noise: 1.5, delta: 1e-5, contributors: 20_000 }

/** What a training is refused for, by the member that is wrong. */
const REFUSALS: [what: string, train: Record<string, unknown>, why: RegExp][] = [
  ['no recipe', { recipe: undefined }, /train\.recipe/],
  ['a recipe that there is not', { recipe: 'forest' }, /train\.recipe: expected one kind/],
  ['two recipes', { recipe: { mlp: {}, gbdt: {} } }, /train\.recipe: expected one kind/],
  ['a setting that a recipe has not', { recipe: { linear: { depth: 3 } } }, /train\.recipe\.linear\.depth/],
  ['logistic regression of numbers', { recipe: 'logistic', label: { fraud: '0..1' } }, /two classes apart/],
  ['softmax of two classes', { recipe: 'softmax' }, /several classes apart/],
  [
    'a graph without its weights',
    { recipe: { graph: { model: 'net', output: 'y' } } },
    /recipe\.graph: expected/,
  ],
  ['no features', { features: {} }, /train\.features: expected at least one/],
  ['features as a list', { features: ['amount'] }, /train\.features/],
  ['a column of another kind', { features: { amount: 'number' } }, /train\.features\.amount: expected what/],
  ['bounds the wrong way round', { features: { amount: '5..1' } }, /amount: no number is within/],
  ['bounds of one number', { features: { amount: '1..1.0' } }, /amount: no number is within/],
  ['too many places', { features: { amount: '0..0.0000000001' } }, /features\.amount/],
  ['bounds past what doubles tell apart', { features: { amount: '0..99999999.999999999' } }, /too large/],
  ['values that are numbers', { features: { kind: [0, 1] } }, /kind\[0\]: expected text.*in quotes/],
  ['a value twice', { features: { kind: ['a', 'a'] } }, /kind: a value stands there twice/],
  ['a label of one class', { label: { fraud: ['true'] } }, /label\.fraud: a label has two/],
  ['two labels', { label: { fraud: 'boolean', kind: ['a', 'b'] } }, /label: expected the one column/],
  ['a label that is a feature', { label: { kind: ['a', 'b'] } }, /a column is named twice/],
  ['a table that it does not read', { tables: ['payments', 'other'] }, /does not read other/],
  ['nothing to train on', { validation: ['payments', 'returns'] }, /train\.tables: no table is left/],
  ['steps of trees', { recipe: 'gbdt', steps: 10 }, /train\.steps: trees have no steps/],
  ['privacy of trees', { recipe: 'gbdt', privacy: PRIVATE }, /train\.privacy: trees give no guarantee/],
  ['no step', { steps: 0 }, /train\.steps/],
  ['a rate of nothing', { learning_rate: 0 }, /learning_rate: expected a decimal number/],
  ['a rate of ten places', { learning_rate: '0.0000000001' }, /at most 9 places/],
  ['a curve that there is not', { schedule: 'step' }, /train\.schedule: expected one kind/],
  ['only warming up', { steps: 5, schedule: { cosine: { warmup: 5 } } }, /only warms up/],
  ['half of its parameters', { optimiser: { adamw: { momentum: 0.9 } } }, /optimiser\.adamw\.momentum/],
  ['half of early stopping', { validation: 0.2, stop_early: { every: 5 } }, /train\.stop_early/],
  ['early stopping by nothing', { stop_early: { every: 5, patience: 1 } }, /when to stop/],
  ['a part of everybody', { validation: 1 }, /train\.validation/],
  ['a figure that there is not', { metrics: ['f1'], validation: 0.2 }, /train\.metrics\[0\]/],
  ['privacy of nothing', { privacy: { contributors: 9 } }, /train\.privacy: expected what it may cost/],
  ['privacy of nobody knows how many', { privacy: { epsilon: 3 } }, /train\.privacy: expected how often/],
  ['privacy of both', { privacy: { ...PRIVATE, sample_rate: 0.1 } }, /train\.privacy: expected how often/],
  [
    'a delta that shows one of them',
    { privacy: { ...PRIVATE, delta: 0.001 } },
    /delta: expected less than one/,
  ],
  ['a delta of thirteen places', { privacy: { ...PRIVATE, delta: '1e-13' } }, /delta: expected.*12 places/],
  [
    'less epsilon than the noise costs',
    { privacy: { ...PRIVATE, epsilon: 0.1 } },
    /epsilon: with this noise/,
  ],
  ['too little noise', { privacy: { ...PRIVATE, noise: 0.1 }, steps: 100_000 }, /has no guarantee/],
  [
    'more rows than there are',
    { privacy: { ...PRIVATE, contributors: 100 }, batch: 200 },
    /train\.batch: a step/,
  ],
  ['figures of protected rows', { privacy: PRIVATE, validation: 0.2 }, /train\.metrics: say what figures/],
  ['the loss of protected rows', { privacy: PRIVATE, show: 'loss' }, /rows that are protected/],
  ['an unknown member', { epochs: 3 }, /train\.epochs/],
]

describe('what lies in a training', () => {
  it.each(REFUSALS)('%s is refused by the name of the member', (_what, train, why) => {
    let refusal: unknown
    try {
      contractIn(trainingDraft({ train }))
    } catch (error) {
      refusal = error
    }
    expect(refusal).toMatchObject({ code: 'ROOM_DRAFT', action: 'fix-input' })
    expect((refusal as Error).message).toMatch(why)
  })
})
