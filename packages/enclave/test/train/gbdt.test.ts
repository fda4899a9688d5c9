import { Tensor } from 'onnxruntime-node'
import { describe, expect, it } from 'vitest'
import { openSession } from '../../src/engines/onnx/index.ts'
import {
  boost,
  Chance,
  createShard,
  encodePart,
  type Forest,
  forestToOnnx,
  type GbdtSettings,
  measure,
  type Part,
  readFor,
  scoreForest,
  splitTable,
} from '../../src/train/index.ts'
import { binRows, binsOf, cellOf, CELLS, countCells, edgeOf } from '../../src/train/gbdt/bins.ts'
import { gradientsOf } from '../../src/train/gbdt/gradients.ts'
import { fillRows } from '../../src/train/data/part.ts'
import { adult, digits } from './public-data.ts'
import { MADE_UP, madeUp } from './tables.ts'

const SETTINGS: GbdtSettings = {
  trees: 20,
  depth: 4,
  bins: 64,
  learningRate: 0.2,
  lambda: 1,
  minChildWeight: 1,
}

function partsOf(...sizes: number[]): Part[] {
  return sizes.map((rows, at) => encodePart(readFor(madeUp(`t${at}`, rows, at + 1), MADE_UP), MADE_UP))
}

/** One part of the rows of all. */
function union(parts: readonly Part[]): Part {
  const join = (all: Float32Array[]): Float32Array => Float32Array.from(all.flatMap((one) => [...one]))
  return {
    ...parts[0]!,
    rows: parts.reduce((sum, { rows }) => sum + rows, 0),
    labels: join(parts.map(({ labels }) => labels)),
    values: join(parts.map(({ values }) => values)),
  }
}

function grow(parts: readonly Part[], over: Partial<GbdtSettings> = {}, outputs = 1): Promise<Forest> {
  const task = outputs === 1 ? 'two' : 'many'
  const shards = parts.map((part) => createShard(part, task, outputs))
  return boost({ task, outputs, columns: parts[0]!.columns, shards, settings: { ...SETTINGS, ...over } })
}

describe('bins', () => {
  it('have exact edges, whatever is rounded on the way', () => {
    for (const value of [-1, -1e-17, 0, 1e-17, 1, 0.3, -0.999_999_97].map(Math.fround)) {
      const cell = cellOf(value)
      expect(edgeOf(cell) <= value && (cell === CELLS - 1 || value < edgeOf(cell + 1))).toBe(true)
    }
  })

  it('are filled evenly, where cells allow it', () => {
    const [part] = partsOf(2000)
    const bins = binsOf(part!.columns, countCells(part!), 8)
    expect(bins.map(({ count }) => count)).toEqual([8, 8, 4])
    const filled = new Float64Array(8)
    for (const bin of binRows(part!, bins)[1]!) filled[bin]! += 1
    for (const rows of filled) expect(Math.abs(rows - 250)).toBeLessThan(40)
  })
})

describe('gradients', () => {
  it('are multiples of a step of a grid, so that all sums of them are exact', () => {
    const scores = Float64Array.from({ length: 50 }, (_, at) => Math.sin(at) * 40)
    for (const [task, outputs] of [
      ['number', 1],
      ['two', 1],
      ['many', 2],
    ] as const) {
      const labels = Float32Array.from({ length: 50 / outputs }, (_, at) => at % 2)
      const [g, h] = [new Float64Array(labels.length), new Float64Array(labels.length)]
      const sums = gradientsOf(task, { scores, labels, outputs, output: 0 }, g, h)
      expect(sums).toEqual([g, h].map((values) => values.reduce((sum, one) => sum + one, 0)))
      for (const value of [...g, ...h]) expect(Number.isInteger(value * 2 ** 30)).toBe(true)
      expect(h.every((value) => value > 0)).toBe(true)
    }
  })
})

describe('trees', () => {
  it('are the same, to the bit, of one party and of several', async () => {
    const parts = partsOf(300, 200, 77)
    const whole = await grow([union(parts)])
    expect(await grow(parts)).toEqual(whole)
    expect(await grow(parts.toReversed())).toEqual(whole)
    expect(whole.rounds).toHaveLength(20)
  })

  it('tell classes apart better with each round', async () => {
    const [part] = partsOf(1000)
    const lossOf = async (trees: number): Promise<number> => {
      const scores = scoreForest(await grow([part!], { trees }), part!)
      return measure('two', 'train', ['loss'], { scores, labels: part!.labels })[0]!.valueMicros
    }
    const losses = [await lossOf(1), await lossOf(5), await lossOf(20)]
    expect(losses[1]).toBeLessThan(losses[0]!)
    expect(losses[2]).toBeLessThan(losses[1]!)
  })

  it('tell numbers', async () => {
    const spec = { ...MADE_UP, features: MADE_UP.features.slice(1), label: MADE_UP.features[0]! }
    const part = encodePart(
      readFor(madeUp('t', 500, 4), { ...spec, features: MADE_UP.features.slice(1) }),
      spec,
    )
    const shard = createShard(part, 'number', 1)
    const options = { task: 'number', outputs: 1, columns: part.columns, shards: [shard] } as const
    const forest = await boost({ ...options, settings: { ...SETTINGS, minChildWeight: 10 } })
    const loss = (scores: Float32Array): number =>
      measure('number', 'train', ['loss'], { scores, labels: part.labels })[0]!.valueMicros
    expect(loss(scoreForest(forest, part))).toBeLessThan(loss(scoreForest({ ...forest, rounds: [] }, part)))
  })

  it('keep to their depth and to the weight of a child', async () => {
    const [part] = partsOf(500)
    const { rounds } = await grow([part!], { depth: 2, trees: 3 })
    for (const [tree] of rounds) expect(tree!.length).toBeLessThanOrEqual(7)
    const heavy = await grow([part!], { minChildWeight: 1e6, trees: 1 })
    expect(heavy.rounds[0]![0]).toHaveLength(1)
  })

  it.each([
    ['no rows', [0], 'ROOM_TRAIN_EMPTY'],
    ['rows of one class', [1], 'ROOM_TRAIN_ONE_CLASS'],
  ])('do not grow of %s', async (_, sizes, code) => {
    await expect(grow(partsOf(...sizes))).rejects.toMatchObject({ code })
  })

  it.each([{ trees: 0 }, { depth: 13 }, { bins: 1 }, { bins: 2.5 }, { learningRate: 0 }, { lambda: NaN }])(
    'do not grow with %o',
    async (over) => {
      await expect(grow(partsOf(10), over)).rejects.toMatchObject({ code: 'ROOM_TRAIN_SETTINGS' })
    },
  )

  it('stop growing when the caller aborts', async () => {
    const [part] = partsOf(100)
    const abort = new AbortController()
    const growing = boost({
      task: 'two',
      outputs: 1,
      columns: part!.columns,
      shards: [createShard(part!, 'two', 1)],
      settings: SETTINGS,
      signal: abort.signal,
      onRound: (done) => {
        if (done === 2) abort.abort()
      },
    })
    await expect(growing).rejects.toMatchObject({ code: 'ROOM_TRAIN_CANCELLED' })
  })
})

/** What the runtime makes of an exported forest. */
async function runOnnx(forest: Forest, part: Part): Promise<Float32Array> {
  const session = await openSession(forestToOnnx(forest, part))
  const rows = new Float32Array(part.rows * part.width)
  fillRows(
    part,
    Uint32Array.from({ length: part.rows }, (_, row) => row),
    rows,
  )
  const found = await session.run({ features: new Tensor('float32', rows, [part.rows, part.width]) })
  await session.close()
  return found['scores']!.data as Float32Array
}

function apart(a: Float32Array, b: Float32Array): number {
  return a.reduce(
    (most, value, at) => Math.max(most, Math.abs(value - b[at]!)),
    a.length === b.length ? 0 : Infinity,
  )
}

describe('an exported forest', () => {
  it('says of every row what the trees say', async () => {
    const [part, others] = partsOf(400, 300)
    const forest = await grow([part!])
    for (const rows of [part!, others!])
      expect(apart(await runOnnx(forest, rows), scoreForest(forest, rows))).toBeLessThan(1e-5)
  })
})

const FIFTH = 200_000_000
const chance = new Chance(new Uint8Array(32).fill(21))

describe('trees of public tables', () => {
  const table = adult()
  const numbers = digits()

  it.skipIf(!table)('are nearly as good on Adult as those of LightGBM: 87.37 %, area .9275', async () => {
    const { source, spec } = table!
    const rows = readFor(source, spec)
    const split = splitTable(rows, FIFTH, chance, 0)
    const [part, held] = [encodePart(rows, spec, split.train), encodePart(rows, spec, split.validation)]
    const forest = await grow([part], { trees: 60, depth: 5, bins: 255, learningRate: 0.3 })
    const scores = scoreForest(forest, held)
    const [accuracy, auc] = measure('two', 'validation', ['accuracy', 'auc'], { scores, labels: held.labels })
    expect(accuracy!.valueMicros).toBeGreaterThan(865_000)
    expect(auc!.valueMicros).toBeGreaterThan(920_000)
    expect(apart(await runOnnx(forest, held), scores)).toBeLessThan(1e-4)
  })

  it.skipIf(!numbers)('read digits, a tree of each in a round', async () => {
    const { source, spec } = numbers!
    const rows = readFor(source, spec)
    const split = splitTable(rows, FIFTH, chance, 0)
    const [part, held] = [encodePart(rows, spec, split.train), encodePart(rows, spec, split.validation)]
    const forest = await grow([part], { trees: 30, depth: 4, bins: 17 }, 10)
    const scores = scoreForest(forest, held)
    const [accuracy] = measure('many', 'validation', ['accuracy'], { scores, labels: held.labels })
    expect(accuracy!.valueMicros).toBeGreaterThan(930_000)
    expect(apart(await runOnnx(forest, held), scores)).toBeLessThan(1e-4)
  })
})
