import { encodeOnnx, parseOnnx, tensorOf } from '@sotto/protocol/onnx'
import { linearForward, mlpForward } from '@sotto/protocol/train-graph'
import { Tensor } from 'onnxruntime-node'
import { beforeAll, describe, expect, it } from 'vitest'
import { openSession } from '../../src/engines/onnx/index.ts'
import {
  boost,
  buildGraphs,
  Chance,
  createShard,
  encodePart,
  encodePredictions,
  encodeUnlabelled,
  exportForest,
  exportOnnx,
  type Forest,
  openScore,
  type Part,
  readFor,
  readUnlabelled,
  scoreForest,
  type ScoreSession,
  type TrainedGraph,
} from '../../src/train/index.ts'
import { fillRows } from '../../src/train/data/part.ts'
import { innerName, withRawFeatures } from '../../src/train/export/raw-features.ts'
import { requireReload } from '../../src/train/export/reload-onnx.ts'
import { csv, MADE_UP, MADE_UP_WIDTH, madeUp } from './tables.ts'

const chance = new Chance(new Uint8Array(32).fill(31))
const { features } = MADE_UP

function graphsOf(sizes: readonly number[]): ReturnType<typeof buildGraphs> {
  const forward =
    sizes.length === 2
      ? linearForward({ features: sizes[0]!, outputs: sizes[1]! })
      : mlpForward({ sizes, activation: 'tanh', seed: 2 })
  const kind = sizes.at(-1) === 1 ? 'binary' : 'cross-entropy'
  return buildGraphs(
    { forward, trainable: 'all', loss: { kind, output: 'y' }, microBatch: 16 },
    Math.max(2, sizes.at(-1)!),
  )
}

async function trained(sizes: readonly number[], over: Partial<TrainedGraph> = {}): Promise<TrainedGraph> {
  const { graph, score } = graphsOf(sizes)
  const stream = chance.stream('try', 7)
  const values = graph.parameters.map(({ initial }) => initial.map(() => stream.uniform() - 0.5))
  const scorer = await openScore(score)
  return { graph, output: 'y', values, features, scorer, stream: chance.stream('try', 8), ...over }
}

/** Scores of raw rows by a model that was written. */
async function scoresOfFile(
  bytes: Uint8Array,
  columns: { age: readonly number[]; sum: readonly number[]; kind: readonly string[] },
): Promise<Float32Array> {
  const session = await openSession(bytes)
  const rows = columns.age.length
  const { 'model.scores': scores } = await session.run({
    age: new Tensor('float64', Float64Array.from(columns.age), [rows, 1]),
    sum: new Tensor('float64', Float64Array.from(columns.sum), [rows, 1]),
    kind: new Tensor('string', [...columns.kind], [rows, 1]),
  })
  await session.close()
  return scores!.data as Float32Array
}

/** Rows of a table, as its file has them. */
function rawRows(rows: number): Parameters<typeof scoresOfFile>[1] & { text: Buffer } {
  const { bytes } = madeUp('t', rows, 3)
  const lines = Buffer.from(bytes).toString().trim().split('\n').slice(1)
  const cells = lines.map((line) => line.split(','))
  return {
    text: Buffer.from(bytes),
    age: cells.map((row) => Number(row[0])),
    sum: cells.map((row) => Number(row[1])),
    kind: cells.map((row) => row[2]!),
  }
}

describe('a trained model in ONNX', () => {
  it.each([[[MADE_UP_WIDTH, 1]], [[MADE_UP_WIDTH, 5, 1]], [[MADE_UP_WIDTH, 4, 3]]])(
    'of layers %j says of rows of a file what the trainer says of them',
    async (sizes) => {
      const of = await trained(sizes)
      const bytes = await exportOnnx(of)
      const rows = rawRows(50)
      const part = encodePart(readFor(madeUp('t', 50, 3), MADE_UP), MADE_UP)
      const expected = await of.scorer.score(of.values, part)
      const found = await scoresOfFile(bytes, rows)
      expect(found).toHaveLength(expected.length)
      for (const [at, score] of found.entries()) expect(score).toBeCloseTo(expected[at]!, 5)
    },
  )

  it('takes a number that is none, and a category that is not listed', async () => {
    const bytes = await exportOnnx(await trained([MADE_UP_WIDTH, 1]))
    const [none, middle, other, else_] = await scoresOfFile(bytes, {
      age: [NaN, 40, 1, 1],
      sum: [1, 1, 1, 1],
      kind: ['a', 'a', 'zz', ''],
    })
    expect(none).toBe(middle)
    expect(other).toBe(else_)
    expect(other).not.toBe(middle)
  })

  it('reads the very places that training read', async () => {
    // A model that gives its places back: they are the same bits.
    const eye = new Float32Array(MADE_UP_WIDTH ** 2).map((_, at) => Number(at % (MADE_UP_WIDTH + 1) === 0))
    const forward = linearForward({ features: MADE_UP_WIDTH, outputs: MADE_UP_WIDTH })
    const initializers = forward.initializers.map((tensor) =>
      tensor.name === 'w0' ? tensorOf('w0', 'float32', [MADE_UP_WIDTH, MADE_UP_WIDTH], eye) : tensor,
    )
    const bytes = encodeOnnx(withRawFeatures({ ...forward, initializers }, features, 'y'))
    const placesOf = (part: Part): Promise<Float32Array> => {
      const places = new Float32Array(part.rows * part.width)
      const rows = Uint32Array.from({ length: part.rows }, (_, row) => row)
      fillRows(part, rows, places)
      return Promise.resolve(places)
    }
    await requireReload(bytes, features, placesOf, chance.stream('try', 9))
    const rows = rawRows(40)
    const found = await scoresOfFile(bytes, rows)
    for (let row = 0; row < 40; row++) {
      const scaled = (value: number, max: number): number =>
        Math.fround(Math.min(1, Math.max(-1, (2 * (value - 0)) / max - 1)))
      expect(found[row * MADE_UP_WIDTH]).toBe(scaled(rows.age[row]!, 80))
      expect(found[row * MADE_UP_WIDTH + 1]).toBe(scaled(rows.sum[row]! * 10, 10_000))
    }
  })

  it('is not given out when a weight in it is not the trained one', async () => {
    const of = await trained([MADE_UP_WIDTH, 1])
    // Of a name that the graph does not have: its first weights would be released.
    const [first, ...others] = of.graph.parameters
    const graph = { ...of.graph, parameters: [{ ...first!, name: 'w9' }, ...others] }
    await expect(exportOnnx({ ...of, graph })).rejects.toMatchObject({ code: 'ROOM_TRAIN_RELOAD' })
  })

  it('is not given out when it scores otherwise than the trainer', async () => {
    const of = await trained([MADE_UP_WIDTH, 5, 1])
    const scorer: ScoreSession = {
      ...of.scorer,
      score: async (values, part) =>
        (await of.scorer.score(values, part)).map((score, at) => (at === 3 ? score + 0.01 : score)),
    }
    await expect(exportOnnx({ ...of, scorer })).rejects.toMatchObject({
      code: 'ROOM_TRAIN_RELOAD',
      action: 'stop',
    })
  })

  it.each([
    ['a byte of a weight', (bytes: Uint8Array) => flipWeight(bytes)],
    ['its end', (bytes: Uint8Array) => bytes.subarray(0, bytes.length - 9)],
  ])('is found to be wrong without %s', async (_, spoil) => {
    const of = await trained([MADE_UP_WIDTH, 1])
    const bytes = await exportOnnx(of)
    const scores = (part: Parameters<ScoreSession['score']>[1]): Promise<Float32Array> =>
      of.scorer.score(of.values, part)
    await expect(requireReload(bytes, features, scores, chance.stream('try', 1))).resolves.toBeUndefined()
    await expect(
      requireReload(spoil(bytes), features, scores, chance.stream('try', 1)),
    ).rejects.toMatchObject({ code: 'ROOM_TRAIN_RELOAD' })
  })

  it.each([
    ['places that the features do not have', [MADE_UP_WIDTH + 1, 1], 'y'],
    ['no such output', [MADE_UP_WIDTH, 1], 'z'],
  ])('is refused with %s', async (_, sizes, output) => {
    await expect(exportOnnx(await trained(sizes, { output }))).rejects.toMatchObject({
      code: 'ROOM_TRAIN_GRAPH',
    })
  })

  it('may have columns by the names of its own values', async () => {
    const named = features.map((feature, at) => ({ ...feature, column: ['x', 'y', 'w0'][at]! }))
    const bytes = await exportOnnx(await trained([MADE_UP_WIDTH, 1], { features: named }))
    expect(parseOnnx(bytes).inputs.map(({ name }) => name)).toEqual(['x', 'y', 'w0'])
  })
})

describe('trained trees in ONNX', () => {
  const part = encodePart(readFor(madeUp('t', 200, 4), MADE_UP), MADE_UP)
  let forest: Forest
  beforeAll(async () => {
    const settings = { trees: 5, depth: 3, bins: 16, learningRate: 0.3, lambda: 1, minChildWeight: 0 }
    const shards = [createShard(part, 'two', 1)]
    forest = await boost({ task: 'two', outputs: 1, columns: part.columns, shards, settings })
  })

  it('say of rows of a file what they say in memory', async () => {
    const bytes = await exportForest(forest, features, chance.stream('try', 0))
    const rows = rawRows(60)
    const expected = scoreForest(forest, encodePart(readFor(madeUp('t', 60, 3), MADE_UP), MADE_UP))
    for (const [at, score] of (await scoresOfFile(bytes, rows)).entries())
      expect(score).toBeCloseTo(expected[at]!, 5)
  })
})

describe('predictions', () => {
  const source = csv(
    'people',
    [
      { name: 'age', type: 'integer' },
      { name: 'sum', type: 'number' },
      { name: 'kind', type: 'text' },
      { name: 'who', type: 'text' },
    ],
    [
      [1, 2, 'a', '"x, ""y"""'],
      ['', 5, 'q', ''],
      [80, 1, 'b', 'z'],
    ],
  )
  const table = readUnlabelled(source, features, 'who')
  const text = (over: Partial<Parameters<typeof encodePredictions>[0]>): string[] => {
    const of = {
      task: 'two',
      label: MADE_UP.label,
      table,
      maxBytes: 1000,
      scores: Float32Array.of(2, -1, NaN),
    } as const
    return Buffer.from(encodePredictions({ ...of, ...over }))
      .toString()
      .split('\r\n')
  }

  it('are a line of each row: its key, its class and the probability of each', () => {
    expect(text({ key: 'who' })).toEqual([
      'who,prediction,probability of false,probability of true',
      '"x, ""y""",true,0.119203,0.880797',
      ',false,0.731059,0.268941',
      'z,,,',
      '',
    ])
  })

  it('have the numbers of rows where there is no key', () => {
    const values = ['p', 'q,r', 's']
    const scores = Float32Array.of(0, 0, 0, 1, 2, 3, 9, 0, 0)
    const label = { column: 'bad', kind: 'category', values } as const
    expect(text({ task: 'many', label, scores })).toEqual([
      'row,prediction,probability of p,"probability of q,r",probability of s',
      '1,p,0.333333,0.333333,0.333333',
      '2,s,0.090031,0.244728,0.665241',
      '3,p,0.999753,0.000123,0.000123',
      '',
    ])
  })

  it('of numbers are in the measure of the label', () => {
    const label = { column: 'price', kind: 'number', min: 100, max: 300, decimals: 1 } as const
    const scores = Float32Array.of(-1, 0, 1.5)
    expect(text({ task: 'number', label, scores }).slice(0, 4)).toEqual([
      'row,prediction',
      '1,10.000',
      '2,20.000',
      '3,35.000',
    ])
  })

  it('are not larger than they may be', () => {
    expect(() => text({ maxBytes: 80 })).toThrow(expect.objectContaining({ code: 'ROOM_TRAIN_TOO_LARGE' }))
  })

  it('are made of rows that have no label', async () => {
    const { score } = graphsOf([MADE_UP_WIDTH, 1])
    const scorer = await openScore(score)
    const part = encodeUnlabelled(table, features)
    const values = score.parameters.map(({ initial }) => initial.map(() => 1))
    const scores = await scorer.score(values, part)
    // -0.975 + -0.996 + 1 + 1; none and 0: 0 - 0.99 + 1 + 1.
    expect(scores[0]).toBeCloseTo(0.029, 5)
    expect(scores[1]).toBeCloseTo(1.01, 5)
  })
})

/** Another bit in the exponent of the first weight. */
function flipWeight(bytes: Uint8Array): Uint8Array {
  const model = parseOnnx(bytes)
  const initializers = model.initializers.map((tensor) => {
    if (tensor.name !== innerName('w0')) return tensor
    const data = tensor.data.slice()
    data[3]! ^= 1
    return { ...tensor, data }
  })
  return encodeOnnx({ ...model, initializers })
}
