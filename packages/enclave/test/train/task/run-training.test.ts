import type { OutputPart, TrainTask } from '@sotto/protocol/contract'
import {
  encodeOnnx,
  type OnnxModel,
  type OnnxNode,
  type OnnxTensor,
  parseOnnx,
  tensorOf,
} from '@sotto/protocol/onnx'
import { mlpForward } from '@sotto/protocol/train-graph'
import { parseMetrics } from '@sotto/protocol/training'
import { describe, expect, it } from 'vitest'
import type { TableSource } from '../../../src/train/index.ts'
import {
  runTraining,
  type TrainingProgress,
  type TrainingResult,
  type TrainingRun,
  tryTraining,
} from '../../../src/train/task/index.ts'
import { BOOSTED, LOGISTIC, NO_LABEL, ONE, ONE_CLASS, PRIVATE, SECRET } from '../process/tasks.ts'
import { csv, MADE_UP_WIDTH, madeUp } from '../tables.ts'

const TWO = madeUp('two', 200, 2)

function train(
  task: TrainTask,
  tables: readonly TableSource[] = [ONE],
  wanted: readonly OutputPart[] = ['model'],
  over: Partial<TrainingRun> = {},
): Promise<TrainingResult> {
  return runTraining({
    task,
    tables: new Map(tables.map((table) => [table.name, table])),
    parts: new Map(wanted.map((part) => [part, 1_000_000])),
    secret: SECRET(),
    ...over,
  })
}

/** A perceptron that adds nothing to what it says: what an operator makes of whole numbers that a row holds. */
function graphWith(op: string, inputs: readonly string[]): OnnxModel {
  const base = mlpForward({ sizes: [MADE_UP_WIDTH, 1], activation: 'relu', seed: 3 })
  const node = (of: string, from: readonly string[], to: string, type?: bigint): OnnxNode => ({
    op: of,
    domain: '',
    name: to,
    inputs: from,
    outputs: [to],
    attributes: new Map(type === undefined ? [] : [['to', { int: type }]]),
    metadata: new Map(),
  })
  const whole = (name: string, value: number): OnnxTensor => tensorOf(name, 'int64', [1], [value])
  return parseOnnx(
    encodeOnnx({
      ...base,
      nodes: [
        ...base.nodes,
        node('Slice', ['x', 'first', 'second', 'second'], 'one'),
        node('Cast', ['one'], 'whole', 7n),
        node(op, inputs, 'made'),
        node('Cast', ['made'], 'real', 1n),
        node('Mul', ['real', 'nothing'], 'none'),
        node('Add', ['y', 'none'], 'said'),
      ],
      initializers: [
        ...base.initializers,
        whole('places', 1),
        whole('first', 0),
        whole('second', 1),
        tensorOf('nothing', 'float32', [1, 1], [0]),
      ],
      outputs: [{ ...base.outputs[0]!, name: 'said' }],
    }),
  )
}

async function figuresOf(task: TrainTask, tables: readonly TableSource[]): Promise<Record<string, number>> {
  const { parts } = await train(task, tables, ['metrics'])
  const { metrics } = parseMetrics(parts.get('metrics')!)
  return Object.fromEntries(metrics.map(({ metric, valueMicros }) => [metric, valueMicros / 1e6]))
}

/** All but how it is trained. */
const pick = ({ data, validation, metrics }: TrainTask) => ({ data, validation: validation!, metrics })

const measured = (task: TrainTask): TrainTask => ({
  ...task,
  validation: { tables: ['two'] },
  metrics: ['loss', 'accuracy', 'auc'],
})
const mlp: TrainTask = { ...LOGISTIC, recipe: { kind: 'mlp', hidden: [8], activation: 'tanh' } }

describe('a training', () => {
  it.each([
    ['by logistic regression', LOGISTIC, 0.9],
    ['by a perceptron', mlp, 0.9],
    ['by trees', BOOSTED, 0.85],
    ['with a guarantee', PRIVATE, 0.75],
  ])('%s tells rows apart that it has not seen', async (_, task, least) => {
    const { auc, accuracy, loss } = await figuresOf(measured(task), [ONE, TWO])
    expect(auc).toBeGreaterThan(least)
    expect(accuracy).toBeGreaterThan(0.6)
    expect(loss).toBeLessThan(0.7)
  })

  it('is the same with the same secret, and another with another', async () => {
    const modelOf = async (secret: Uint8Array): Promise<Buffer> =>
      Buffer.from((await train(PRIVATE, [ONE], ['model'], { secret })).parts.get('model')!)
    const model = await modelOf(SECRET())
    expect((await modelOf(SECRET())).equals(model)).toBe(true)
    expect((await modelOf(new Uint8Array(32).fill(8))).equals(model)).toBe(false)
  })

  it('learns from the rows of all tables', async () => {
    const data = { ...LOGISTIC.data, tables: ['one', 'two'] }
    const three = madeUp('three', 150, 3)
    const task = { ...measured({ ...LOGISTIC, data }), validation: { tables: ['three'] } }
    const few = {
      ...ONE,
      bytes: Buffer.from(Buffer.from(ONE.bytes).toString().split('\n').slice(0, 4).join('\n')),
    }
    const { auc } = await figuresOf(task, [few, TWO, three])
    expect(auc).toBeGreaterThan(0.9)
  })

  it('joins tables that have columns of their own', async () => {
    const lines = Buffer.from(ONE.bytes).toString().trim().split('\n').slice(1)
    const rows = lines.map((line, at) => [`w${at}`, ...line.split(',')])
    const text = { type: 'text' } as const
    const bank = csv(
      'bank',
      [
        { name: 'who', ...text },
        { name: 'age', type: 'integer' },
        { name: 'sum', type: 'number' },
      ],
      rows.map(([who, age, sum]) => [who!, age!, sum!]),
    )
    const shop = csv(
      'shop',
      [
        { name: 'who', ...text },
        { name: 'kind', ...text },
        { name: 'bad', type: 'boolean' },
      ],
      rows.toReversed().map(([who, , , kind, , bad]) => [who!, kind!, bad!]),
    )
    const data = { ...LOGISTIC.data, tables: ['bank', 'shop'], joinOn: ['who'] }
    const task: TrainTask = { ...measured({ ...LOGISTIC, data }), validation: { splitNanos: 300_000_000 } }
    expect((await figuresOf(task, [bank, shop]))['auc']).toBeGreaterThan(0.85)
  })

  it('tells one class of several, and numbers', async () => {
    const [age, sum, kind] = LOGISTIC.data.features
    const several: TrainTask = {
      ...LOGISTIC,
      data: {
        ...LOGISTIC.data,
        features: [age!, sum!, { column: 'bad', kind: 'category', values: ['true', 'false'] }],
        label: kind!,
      },
      validation: { tables: ['two'] },
      metrics: ['loss', 'accuracy'],
    }
    const numbers: TrainTask = {
      ...several,
      data: { ...LOGISTIC.data, features: [sum!, kind!], label: age! },
      metrics: ['loss'],
    }
    for (const task of [several, { ...BOOSTED, ...pick(several) }]) {
      const { accuracy } = await figuresOf(task, [ONE, TWO])
      // What it is of three it cannot be told from the rest; better than none is 0.33.
      expect(accuracy).toBeGreaterThan(0.34)
    }
    for (const task of [numbers, { ...BOOSTED, ...pick(numbers) }]) {
      // Even numbers from -1 to 1 have the variance 1/3.
      const { loss } = await figuresOf(task, [ONE, TWO])
      expect(loss).toBeGreaterThan(0.2)
      expect(loss).toBeLessThan(0.45)
    }
  })

  it('of a party\u2019s graph has the weights of that graph, and keeps its form', async () => {
    const forward = parseOnnx(
      encodeOnnx(mlpForward({ sizes: [MADE_UP_WIDTH, 4, 1], activation: 'relu', seed: 3 })),
    )
    const task: TrainTask = measured({
      ...LOGISTIC,
      recipe: { kind: 'graph', model: 'net', digest: 'ab'.repeat(32), output: 'y' },
    })
    const { parts, figures } = await train(task, [ONE, TWO], ['model', 'metrics'], { forward })
    const [, , auc] = parseMetrics(parts.get('metrics')!).metrics
    expect(auc!.valueMicros).toBeGreaterThan(850_000)
    expect(figures.graph).toMatch(/^[0-9a-f]{64}$/)
    expect(parseOnnx(parts.get('model')!).inputs.map(({ name }) => name)).toEqual(['age', 'sum', 'kind'])
  })

  it('stops when figures do not get better', async () => {
    const descent = { ...LOGISTIC.descent!, steps: 400, stopEarly: { every: 5, patience: 2 } }
    const task: TrainTask = { ...LOGISTIC, descent, validation: { splitNanos: 200_000_000 } }
    const { figures } = await train(task, [ONE])
    expect(figures.reason).toBe('early')
    expect(figures.steps).toBeLessThan(400)
  })

  it('tells of rows by their keys', async () => {
    const task: TrainTask = { ...LOGISTIC, predict: { table: 'two', key: 'who' } }
    const { parts } = await train(task, [ONE, TWO], ['predictions'])
    const [head, first, ...rest] = Buffer.from(parts.get('predictions')!).toString().trim().split('\r\n')
    expect(head).toBe('who,prediction,probability of false,probability of true')
    expect(first).toMatch(/^w0,(?:true|false),0\.\d+,0\.\d+$/)
    expect(rest).toHaveLength(199)
  })

  it('measures with noise where its task pays for it', async () => {
    const task: TrainTask = {
      ...PRIVATE,
      validation: { splitNanos: 500_000_000 },
      metrics: ['accuracy'],
      metricsEpsilonMicros: 1_000_000,
    }
    const { parts } = await train(task, [ONE], ['metrics'])
    const [metric] = parseMetrics(parts.get('metrics')!).metrics
    expect(metric).toMatchObject({ metric: 'accuracy', split: 'validation', epsilonMicros: 1_000_000 })
  })
})

describe('what a training shows', () => {
  async function shown(task: TrainTask): Promise<TrainingProgress[]> {
    const all: TrainingProgress[] = []
    await train(task, [ONE], ['model'], { onProgress: (progress) => void all.push(progress) })
    return all
  }

  it('is the loss of each step, where its contract says so', async () => {
    const all = await shown({ ...LOGISTIC, show: 'loss' })
    expect(all).toHaveLength(60)
    expect(all[0]).toMatchObject({ done: 1, of: 60 })
    expect(all[0]!.lossMicros).toBeGreaterThan(all.at(-1)!.lossMicros!)
  })

  it.each([
    ['that shows steps', LOGISTIC],
    // No decoder lets it through; here nothing is there to be shown.
    ['that gives a guarantee', { ...PRIVATE, show: 'loss' } as TrainTask],
  ])('is only how far it is, of one %s', async (_, task) => {
    const all = await shown(task)
    expect(all).toHaveLength(60)
    expect(all.every((one) => !('lossMicros' in one))).toBe(true)
  })
})

describe('a training is refused by name', () => {
  const wild: TrainTask = {
    ...mlp,
    data: { ...LOGISTIC.data, label: { column: 'bad2', kind: 'number', min: 0, max: 10, decimals: 1 } },
    descent: {
      ...LOGISTIC.descent!,
      optimiser: { kind: 'sgd', momentumMicros: 900_000, weightDecayMicros: 0 },
      schedule: { kind: 'constant', rateNanos: 900_000_000_000, warmupSteps: 0, floorMicros: 0 },
    },
  }
  const numbers = csv(
    'one',
    [...ONE.columns.slice(0, 4), { name: 'bad2', type: 'number' }],
    Array.from({ length: 50 }, (_, at) => [at, at * 7, 'a', `w${at}`, (at % 10) / 10]),
  )

  it.each<[string, TrainTask, TableSource, string]>([
    ['without a column', LOGISTIC, NO_LABEL, 'ROOM_TRAIN_COLUMN'],
    ['where all labels are of one class', LOGISTIC, ONE_CLASS, 'ROOM_TRAIN_ONE_CLASS'],
    ['where all labels are of one class, of trees', BOOSTED, ONE_CLASS, 'ROOM_TRAIN_ONE_CLASS'],
    ['where there are no rows', LOGISTIC, madeUp('one', 0, 1), 'ROOM_TRAIN_EMPTY'],
    ['when a rate is too large', wild, numbers, 'ROOM_TRAIN_NOT_FINITE'],
  ])('%s', async (_, task, table, code) => {
    const asked = train(task, [table])
    await expect(asked).rejects.toMatchObject({ code })
    // No value of the file: keys, categories, numbers with fractions.
    await expect(asked).rejects.not.toThrow(/w\d|\d\.\d|\btrue\b/)
  })

  it('with a guarantee for nothing that a row holds', async () => {
    const rows = Buffer.from(ONE.bytes).toString().replaceAll(/^\d+,/gm, 'none,').replaceAll(/true$/gm, 'yes')
    for (const table of [ONE_CLASS, { ...ONE, bytes: Buffer.from(rows) }, madeUp('one', 0, 1)])
      await expect(train(PRIVATE, [table])).resolves.toMatchObject({
        figures: { steps: 60, reason: 'steps' },
      })
    await expect(train(PRIVATE, [NO_LABEL])).rejects.toMatchObject({ code: 'ROOM_TRAIN_COLUMN' })
  })

  it.each([
    ['fails at what a row holds', 'Gather', ['places', 'whole']],
    ['divides by what a row holds', 'Div', ['whole', 'whole']],
    ['combines rows', 'CumSum', ['whole', 'first']],
  ])('with a guarantee, or figures with noise, where a graph %s', async (_, op, inputs) => {
    const forward = graphWith(op, inputs)
    const recipe = { kind: 'graph', model: 'net', digest: 'ab'.repeat(32), output: 'said' } as const
    // Nobody is protected: what the graph does is a matter of who trains it.
    const open = measured({ ...LOGISTIC, recipe })
    for (const task of [
      { ...PRIVATE, recipe },
      { ...open, metricsEpsilonMicros: 1_000_000 },
    ])
      await expect(train(task, [ONE, TWO], ['model'], { forward })).rejects.toMatchObject({
        code: 'ROOM_TRAIN_PRIVACY',
      })
    if (op === 'CumSum') await expect(train(open, [ONE, TWO], ['model'], { forward })).resolves.toBeDefined()
  })

  it('where a graph says more of a row than the label is, or has no such output', async () => {
    const recipe = { kind: 'graph', model: 'net', digest: 'ab'.repeat(32), output: 'y' } as const
    const forward = (outputs: number) =>
      mlpForward({ sizes: [MADE_UP_WIDTH, outputs], activation: 'relu', seed: 3 })
    const refused = (over: object, outputs: number) =>
      expect(train({ ...LOGISTIC, recipe: { ...recipe, ...over } }, [ONE], [], { forward: forward(outputs) }))
        .rejects
    await refused({}, 2).toMatchObject({ code: 'ROOM_TRAIN_GRAPH', found: 'GRAPH_LOSS' })
    await refused({ output: 'z' }, 1).toMatchObject({ code: 'ROOM_TRAIN_GRAPH', found: 'GRAPH_LOSS' })
    const label = { column: 'kind', kind: 'category', values: ['a', 'b', 'c'] } as const
    const features = LOGISTIC.data.features.slice(0, 2)
    const many = {
      ...LOGISTIC,
      recipe,
      data: { ...LOGISTIC.data, features, label: { ...label, values: [...label.values] } },
    }
    const four = mlpForward({ sizes: [2, 4], activation: 'relu', seed: 3 })
    await expect(train(many, [ONE], [], { forward: four })).rejects.toMatchObject({
      code: 'ROOM_TRAIN_GRAPH',
      expected: '3 of each',
    })
  })

  it('where a part is larger than it may be', async () => {
    const parts = new Map([['model', 10] as const])
    await expect(train(LOGISTIC, [ONE], [], { parts })).rejects.toMatchObject({
      code: 'ROOM_TRAIN_TOO_LARGE',
    })
  })

  it('when it is cancelled', async () => {
    const signal = AbortSignal.abort()
    for (const task of [LOGISTIC, BOOSTED])
      await expect(train(task, [ONE], ['model'], { signal })).rejects.toMatchObject({
        code: 'ROOM_TRAIN_CANCELLED',
      })
  })
})

describe('a task that is tried without data', () => {
  it.each<[string, TrainTask]>([
    ['logistic regression', LOGISTIC],
    ['a perceptron with a guarantee', { ...mlp, privacy: PRIVATE.privacy! }],
    ['trees', BOOSTED],
    [
      'discrete noise of few parameters',
      { ...LOGISTIC, privacy: { ...PRIVATE.privacy!, noise: 'discrete', sampleRateNanos: 1_000_000_000 } },
    ],
  ])('is taken: %s', async (_, task) => {
    await expect(tryTraining(task)).resolves.toBe(undefined)
  })

  it.each<[string, TrainTask, string]>([
    [
      'more weights than a trainer takes',
      { ...mlp, recipe: { kind: 'mlp', hidden: [8192, 8192], activation: 'relu' } },
      'ROOM_TRAIN_TOO_LARGE',
    ],
    [
      'discrete noise of many parameters',
      {
        ...mlp,
        recipe: { kind: 'mlp', hidden: [2000], activation: 'relu' },
        privacy: { ...PRIVATE.privacy!, noise: 'discrete', sampleRateNanos: 1_000_000_000 },
      },
      'ROOM_TRAIN_PRIVACY',
    ],
    [
      'an end that would tell of protected rows',
      {
        ...PRIVATE,
        descent: { ...PRIVATE.descent!, stopEarly: { every: 1, patience: 1 } },
        validation: { splitNanos: 1 },
      },
      'ROOM_TRAIN_PRIVACY',
    ],
    ['no steps', { ...BOOSTED, recipe: { kind: 'linear' } }, 'ROOM_TRAIN_SETTINGS'],
  ])('is refused: %s', async (_, task, code) => {
    await expect(tryTraining(task)).rejects.toMatchObject({ code })
  })
})
