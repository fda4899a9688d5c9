import { describe, expect, it } from 'vitest'
import type { FinetuneTask, TrainTask } from '../../src/contract/index.ts'
import { learnedParameters, learningTask, useOf } from '../../src/training/learned.ts'
import { training } from '../contract/trainings.ts'
import { documents } from './traced.ts'

const FINETUNING: FinetuneTask = {
  kind: 'finetune',
  model: 'base',
  digest: '0c'.repeat(32),
  lora: { rank: 8, alphaMilli: 16_000, targets: ['attn_q', 'attn_v'] },
  texts: ['letters', 'notes'],
  tokens: 64,
  validation: { texts: ['public'] },
  descent: training().descent!,
  metrics: ['loss'],
  show: 'steps',
  limits: { memoryBytes: 2 ** 30, seconds: 600 },
}

const GRAPH: TrainTask = training((task) => {
  task.recipe = { kind: 'graph', model: 'net', digest: '0c'.repeat(32), output: 'logits' }
})

describe('a training in the words of a model card', () => {
  it.each([
    ['classes', training(), 'supervised', 'classification', 'multi-layer perceptron'],
    [
      'numbers',
      training((task) => {
        task.recipe = { kind: 'linear' }
        task.data.label = { column: 'amount', kind: 'number', min: 0, max: 1, decimals: 0 }
      }),
      'supervised',
      'regression',
      'linear model',
    ],
    ['a graph', GRAPH, 'supervised', 'classification', 'neural network'],
    ['texts', FINETUNING, 'self-supervised', 'text-generation', 'transformer, fine-tuned by LoRA'],
  ] as const)('is what it is, of %s', (_, task, type, what, architectureFamily) => {
    expect(learnedParameters(task)).toEqual({ approach: { type }, task: what, architectureFamily })
  })

  it.each([
    ['a table of several', training(), 'north', 'learned from'],
    ['rows to measure with', training(), 'public', 'measured with'],
    ['rows to tell of', training(), 'new', 'told of'],
    ['weights', GRAPH, 'net', 'begun with'],
    ['a part that is drawn', training((task) => (task.validation = { splitNanos: 1 })), 'public', 'read'],
    ['texts', FINETUNING, 'notes', 'learned from'],
    ['the model that is tuned', FINETUNING, 'base', 'begun with'],
    ['texts to measure with', FINETUNING, 'public', 'measured with'],
    ['something else', FINETUNING, 'new', 'read'],
  ] as const)('makes of an input what the contract says: %s', (_, task, input, use) => {
    expect(useOf(task, input)).toBe(use)
  })

  it('is not known without a contract, and of a run that trains nothing', () => {
    const { run, contract } = documents()
    expect(learningTask(run, contract)?.kind).toBe('train')
    expect(learningTask(run, undefined)).toBeUndefined()
    expect(learningTask({ offer: { ...run.offer, transform: 'another' } }, contract)).toBeUndefined()
  })
})
