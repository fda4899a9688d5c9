import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  type Contract,
  chargesOf,
  provenEpsilonMicros,
  requireProvenPrivacy,
  type TrainTask,
} from '@sotto/protocol/contract'
import { describe, expect, it, onTestFinished } from 'vitest'
import { contractOf, readDraft, readDraftFiles } from '../../src/room/draft/index.ts'
import { CONTEXT, contractIn } from './drafts.ts'
import { trainingDraft } from './training-drafts.ts'

function taskIn({ transforms }: Contract): TrainTask {
  const [transform] = transforms
  if (transform?.task.kind !== 'train') throw new Error('no training')
  return transform.task
}

const taskOf = (train: Record<string, unknown>): TrainTask =>
  taskIn(contractIn(trainingDraft({ train })).contract)
const PRIVATE = { noise: 1.5, delta: 1e-5, contributors: 20_000 }

describe('a training of a draft', () => {
  it('has sensible settings where the draft has none, and rows of all that it reads', () => {
    expect(taskOf({})).toEqual({
      kind: 'train',
      recipe: { kind: 'linear' },
      data: {
        tables: ['payments', 'returns'],
        features: [
          { column: 'amount', kind: 'number', min: 0, max: 10_000, decimals: 0 },
          { column: 'rate', kind: 'number', min: -150, max: 125, decimals: 2 },
          { column: 'kind', kind: 'category', values: ['card', 'transfer'] },
        ],
        label: { column: 'fraud', kind: 'category', values: ['false', 'true'] },
      },
      descent: {
        steps: 1000,
        batch: 256,
        optimiser: { kind: 'adamw', beta1Micros: 900_000, beta2Micros: 999_000, weightDecayMicros: 0 },
        schedule: { kind: 'cosine', rateNanos: 10_000_000, warmupSteps: 0, floorMicros: 0 },
      },
      metrics: [],
      show: 'steps',
      limits: { memoryBytes: 2 ** 30, seconds: 3600 },
    } satisfies TrainTask)
  })

  it('has what the draft says, to the last place', () => {
    const task = taskOf({
      recipe: { mlp: { hidden: [64, 32], activation: 'tanh' } },
      steps: 20,
      batch: 64,
      optimiser: { sgd: { momentum: 0.9, weight_decay: 0.0001 } },
      learning_rate: 0.000000001,
      schedule: { linear: { warmup: 5, floor: 0.1 } },
      stop_early: { every: 10, patience: 2 },
      validation: 0.25,
      metrics: ['auc'],
      show: 'loss',
      memory: '512MiB',
      seconds: 60,
    })
    expect(task.recipe).toEqual({ kind: 'mlp', hidden: [64, 32], activation: 'tanh' })
    expect(task.descent).toEqual({
      steps: 20,
      batch: 64,
      optimiser: { kind: 'sgd', momentumMicros: 900_000, weightDecayMicros: 100 },
      schedule: { kind: 'linear', rateNanos: 1, warmupSteps: 5, floorMicros: 100_000 },
      stopEarly: { every: 10, patience: 2 },
    })
    expect(task).toMatchObject({
      validation: { splitNanos: 250_000_000 },
      metrics: ['auc'],
      show: 'loss',
      limits: { memoryBytes: 2 ** 29, seconds: 60 },
    })
  })

  it('of trees has no steps', () => {
    const task = taskOf({ recipe: { gbdt: { trees: 10, learning_rate: 0.3 } } })
    expect(task.recipe).toEqual({
      kind: 'gbdt',
      trees: 10,
      depth: 5,
      bins: 64,
      learningRateMicros: 300_000,
      lambdaMicros: 1_000_000,
      minChildWeightMicros: 1_000_000,
    })
    expect(task.descent).toBeUndefined()
  })

  it.each([
    ['two classes', {}, ['loss', 'accuracy', 'auc']],
    ['several classes', { label: { fraud: ['a', 'b', 'c'] } }, ['loss', 'accuracy']],
    ['numbers', { features: { amount: '0..1' }, label: { rate: '0..1' } }, ['loss']],
  ])('measures what there is of %s', (_what, train, metrics) => {
    expect(taskOf({ validation: 0.5, ...train }).metrics).toEqual(metrics)
  })

  it('trains on no table that it measures with or tells of', () => {
    expect(taskOf({ validation: ['returns'] }).data.tables).toEqual(['payments'])
    const told = taskOf({ predict: { table: 'returns', key: 'customer' } })
    expect(told.data.tables).toEqual(['payments'])
    expect(told.predict).toEqual({ table: 'returns', key: 'customer' })
  })

  it("of a party's graph names its weights by the digest of their files", async () => {
    const place = mkdtempSync(join(tmpdir(), 'sotto-draft-'))
    onTestFinished(() => rmSync(place, { recursive: true }))
    writeFileSync(join(place, 'net.onnx'), 'weights')
    const recipe = { graph: { model: 'net', path: 'net.onnx', output: 'logits' } }
    writeFileSync(join(place, 'draft.yaml'), trainingDraft({ train: { recipe } }))
    const draft = await readDraft(join(place, 'draft.yaml'))
    const files = await readDraftFiles(draft)
    const task = taskIn(contractOf(draft, { ...CONTEXT, files }).contract)
    expect(task.recipe).toEqual({
      kind: 'graph',
      model: 'net',
      output: 'logits',
      digest: files.models.get('net.onnx'),
    })
    expect(task.data.tables).toEqual(['payments', 'returns'])
  })
})

describe('a guarantee of a draft', () => {
  it('by its noise costs what is proven, and one run of it is what its tables pay for', () => {
    const { contract } = contractIn(
      trainingDraft({ train: { privacy: PRIVATE }, rules: { noisy: true, contributor: 'customer' } }),
    )
    const { privacy, descent } = taskIn(contract)
    expect(privacy).toMatchObject({
      sampleRateNanos: 12_800_000,
      noiseMicros: 1_500_000,
      clipMicros: 1_000_000,
      maxRowsPerContributor: 1,
      noise: 'gaussian',
      deltaTrillionths: 10_000_000,
    })
    expect(privacy!.epsilonMicros).toBe(provenEpsilonMicros(privacy!, descent!) + 1)
    const [payments] = contract.inputs
    expect(payments!.uses).toEqual([
      {
        transform: 'fraud',
        runs: 1,
        epsilonMicros: privacy!.epsilonMicros,
        deltaTrillionths: 10_000_000,
      },
    ])
    expect(chargesOf(contract, 'fraud')[0]).toMatchObject({ epsilonMicros: privacy!.epsilonMicros })
  })

  it('by what it may cost gets noise that is enough, and not much more', { timeout: 120_000 }, () => {
    const { privacy, descent } = taskOf({ privacy: { epsilon: 3, contributors: 20_000 } })
    expect(privacy!.epsilonMicros).toBe(3_000_000)
    const proven = provenEpsilonMicros(privacy!, descent!)
    expect(proven).toBeLessThanOrEqual(3_000_000)
    expect(proven).toBeGreaterThan(2_990_000)
  })

  it('counts those who are kept apart to be measured with as no rows of a step', () => {
    const { privacy } = taskOf({
      privacy: { noise: 1.5, contributors: 20_000 },
      validation: 0.2,
      metrics_epsilon: 1,
    })
    expect(privacy!.sampleRateNanos).toBe(16_000_000)
  })

  it('with several rows of each has a step of fewer contributors', () => {
    const { privacy } = taskOf({
      privacy: { noise: 1.5, contributors: 20_000, max_rows_per_contributor: 4, clip: 0.5 },
    })
    expect(privacy).toMatchObject({
      sampleRateNanos: 3_200_000,
      maxRowsPerContributor: 4,
      clipMicros: 500_000,
    })
  })

  it('that is exact has everybody in each step', () => {
    const task = taskOf({ privacy: { noise: 60, exact: true, contributors: 2000 }, steps: 50 })
    expect(task.privacy).toMatchObject({ noise: 'discrete', sampleRateNanos: 1_000_000_000 })
    expect(task.descent!.batch).toBe(2000)
  })

  it('pays for figures too, and for as many runs as the draft says', () => {
    const { contract } = contractIn(
      trainingDraft({
        train: { privacy: { ...PRIVATE, epsilon: 3 }, validation: 0.2, metrics_epsilon: 0.5 },
        payments: { uses: { fraud: { runs: 2 } } },
      }),
    )
    const [payments, returns] = contract.inputs
    expect(payments!.uses).toEqual([
      { transform: 'fraud', runs: 2, epsilonMicros: 7_000_000, deltaTrillionths: 20_000_000 },
    ])
    expect(returns!.uses[0]).toMatchObject({ runs: 1, epsilonMicros: 3_500_000 })
  })

  it('keeps a budget that the draft says', () => {
    const { contract } = contractIn(
      trainingDraft({
        train: { privacy: { ...PRIVATE, epsilon: 3 } },
        payments: { uses: { fraud: { runs: 3, epsilon: 4, delta: 2e-5 } } },
      }),
    )
    expect(contract.inputs[0]!.uses).toEqual([
      { transform: 'fraud', runs: 3, epsilonMicros: 4_000_000, deltaTrillionths: 20_000_000 },
    ])
  })

  it('becomes a contract that every party finds enough', () => {
    const { contract } = contractIn(trainingDraft({ train: { privacy: PRIVATE } }))
    expect(() => requireProvenPrivacy(contract)).not.toThrow()
    taskIn(contract).privacy!.epsilonMicros -= 2
    expect(() => requireProvenPrivacy(contract)).toThrow(
      expect.objectContaining({ code: 'CONTRACT_PRIVACY' }),
    )
  })
})
