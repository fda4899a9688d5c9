import { checkpointDigest, encodeCheckpoint, type TrainingState } from '@sotto/protocol/training'
import { describe, expect, it } from 'vitest'
import {
  Chance,
  clipWithin,
  createTrainer,
  encodePart,
  openCheckpoint,
  openStep,
  type PartSum,
  type PlacedPart,
  readFor,
  sealCheckpoint,
  train,
  type Trainer,
  type TrainSettings,
} from '../../src/train/index.ts'
import { stepGraph } from './perceptron.ts'
import { MADE_UP, MADE_UP_WIDTH, madeUp } from './tables.ts'

const SECRET = new Uint8Array(32).fill(7)
const RUN = 'ab'.repeat(32)
const LAYERS = [MADE_UP_WIDTH, 5, 1]
const PARAMETERS = MADE_UP_WIDTH * 5 + 5 + 5 + 1

const PLAIN: TrainSettings = {
  steps: 12,
  expectedBatch: 24,
  optimiser: { kind: 'adamw', beta1: 0.9, beta2: 0.999, weightDecay: 0.01 },
  schedule: { kind: 'cosine', rate: 0.05, warmupSteps: 2, floor: 0.1 },
}
const PRIVATE: TrainSettings = {
  ...PLAIN,
  optimiser: { kind: 'sgd', momentum: 0.9, weightDecay: 0 },
  privacy: { sampleRateNanos: 300_000_000, noise: 1, clip: 1, maxRowsPerUnit: 2, kind: 'gaussian' },
}

/** Inputs of a contract: the second has contributors of several rows. */
function parts(settings: TrainSettings): PlacedPart[] {
  const spec = { ...MADE_UP, isPrivate: settings.privacy !== undefined }
  const sources = [madeUp('one', 50, 1), madeUp('two', 40, 2, { contributor: 'who' }), madeUp('three', 33, 3)]
  return sources.map((source, place) => ({ place, part: encodePart(readFor(source, spec), spec) }))
}

async function trainer(
  settings: TrainSettings,
  own: PlacedPart[] = parts(settings),
  secret = SECRET,
): Promise<Trainer> {
  const chance = new Chance(secret)
  const { privacy } = settings
  const clip = privacy && clipWithin({ ...privacy, parameters: PARAMETERS })
  const session = await openStep(
    stepGraph({ layers: LAYERS, microBatch: 8, ...(clip !== undefined && { clip }) }, chance),
  )
  const totalRows = parts(settings).reduce((total, { part }) => total + part.rows, 0)
  return createTrainer({ session, parts: own, places: [0, 1, 2], totalRows, chance, settings })
}

const digestOf = (state: TrainingState): string => checkpointDigest(encodeCheckpoint(RUN, state))

describe.each([
  ['without a guarantee', PLAIN],
  ['with a guarantee', PRIVATE],
])('a training %s', (_, settings) => {
  it('comes to the same bits again, and to others with another secret', async () => {
    const once = await train({ trainer: await trainer(settings), settings })
    const again = await train({ trainer: await trainer(settings), settings })
    expect(once.reason).toBe('steps')
    expect(digestOf(again.state)).toBe(digestOf(once.state))
    const other = await train({
      trainer: await trainer(settings, undefined, new Uint8Array(32).fill(8)),
      settings,
    })
    expect(digestOf(other.state)).not.toBe(digestOf(once.state))
  })

  it('resumes after any step with the bits of the uninterrupted run', async () => {
    const kept: TrainingState[] = []
    const onStep = (_: unknown, state: () => TrainingState): void => void kept.push(state())
    const whole = await train({ trainer: await trainer(settings), settings, onStep })
    expect(kept.map(({ step }) => step)).toEqual(Array.from({ length: settings.steps }, (_, at) => at + 1))
    for (const state of kept) {
      const sealed = await sealCheckpoint(SECRET, RUN, state)
      const from = await openCheckpoint(SECRET, RUN, sealed)
      const rest = await train({ trainer: await trainer(settings), settings, from })
      expect(digestOf(rest.state)).toBe(digestOf(whole.state))
    }
  })

  it('is the same on several trainers that exchange their sums', async () => {
    const whole = await train({ trainer: await trainer(settings), settings })
    const [one, two, three] = parts(settings)
    // Not in the order of the contract.
    const shards = [await trainer(settings, [three!, one!]), await trainer(settings, [two!])]
    const sums = new Map<number, Promise<PartSum[]>[]>()
    const sumsOf = (step: number): Promise<PartSum[]>[] => {
      const found = sums.get(step) ?? shards.map((shard) => shard.sum(step))
      sums.set(step, found)
      return found
    }
    for (let step = 0; step < settings.steps; step++) {
      const all = (await Promise.all(sumsOf(step))).flat()
      for (const shard of shards) shard.apply(step, all)
    }
    for (const shard of shards) expect(digestOf(shard.state(settings.steps))).toBe(digestOf(whole.state))
    // And through the loop, with the sums of the others handed in.
    const leader = await trainer(settings, [two!])
    const follower = await trainer(settings, [one!, three!])
    const found = await train({
      trainer: leader,
      settings,
      others: async (step) => {
        const all = await follower.sum(step)
        follower.apply(step, [...all, ...(await leader.sum(step))])
        return all
      },
    })
    expect(digestOf(found.state)).toBe(digestOf(whole.state))
  })

  it('shows losses only without a guarantee', async () => {
    const losses: (number | undefined)[] = []
    await train({ trainer: await trainer(settings), settings, onStep: ({ loss }) => void losses.push(loss) })
    expect(losses).toHaveLength(settings.steps)
    if (settings.privacy) expect(losses.every((loss) => loss === undefined)).toBe(true)
    else expect(losses.at(-1)).toBeLessThan(losses[0]!)
  })

  it('ends between two steps when it is cancelled', async () => {
    const abort = new AbortController()
    let done = 0
    const training = train({
      trainer: await trainer(settings),
      settings,
      signal: abort.signal,
      onStep: (report) => {
        ;({ done } = report)
        if (done === 3) abort.abort()
      },
    })
    await expect(training).rejects.toMatchObject({ code: 'ROOM_TRAIN_CANCELLED' })
    expect(done).toBe(3)
  })
})

describe('a step that draws nobody', () => {
  it('is a step with noise, like any other', async () => {
    const privacy = { ...PRIVATE.privacy!, sampleRateNanos: 1 }
    const settings = { ...PRIVATE, privacy }
    const own = await trainer(settings)
    const sums = await own.sum(0)
    expect(sums.map(({ examples }) => examples)).toEqual([0, 0, 0])
    const before = own.values.map((values) => values.slice())
    own.apply(0, sums)
    for (const [at, values] of own.values.entries()) expect(values).not.toEqual(before[at])
  })

  it('is one of a table without rows, too', async () => {
    const spec = { ...MADE_UP, isPrivate: true }
    const part = encodePart(readFor(madeUp('none', 0, 1), spec), spec)
    const own = [0, 1, 2].map((place) => ({ place, part }))
    const { state } = await train({ trainer: await trainer(PRIVATE, own), settings: PRIVATE })
    expect(state.step).toBe(PRIVATE.steps)
  })
})

describe('early stopping', () => {
  const figures = [5, 4, 4, 3, 3, 3, 3, 3, 3, 3, 3, 3]
  const settings: TrainSettings = { ...PLAIN, stopEarly: { every: 1, patience: 2, isExactAllowed: true } }

  it('stops after so many figures without a better one, and so does a resumed run', async () => {
    const kept: TrainingState[] = []
    const measured = (from: number) => {
      let at = from
      return () => Promise.resolve(figures[at++]!)
    }
    const whole = await train({
      trainer: await trainer(settings),
      settings,
      measure: measured(0),
      onStep: (_, state) => void kept.push(state()),
    })
    expect(whole).toMatchObject({ reason: 'early', state: { step: 6, stop: { best: 3, since: 2 } } })
    for (const state of kept) {
      const from = await openCheckpoint(SECRET, RUN, await sealCheckpoint(SECRET, RUN, state))
      const rest = await train({
        trainer: await trainer(settings),
        settings,
        from,
        measure: measured(from.step),
      })
      expect(rest.reason).toBe('early')
      expect(digestOf(rest.state)).toBe(digestOf(whole.state))
    }
  })

  it('is refused where it would tell of protected rows', async () => {
    const stopEarly = { every: 1, patience: 2, isExactAllowed: false }
    await expect(trainer({ ...PRIVATE, stopEarly })).rejects.toMatchObject({ code: 'ROOM_TRAIN_PRIVACY' })
    await expect(
      trainer({ ...PRIVATE, stopEarly: { ...stopEarly, isExactAllowed: true } }),
    ).resolves.toBeDefined()
  })
})

describe('a checkpoint', () => {
  it.each([
    ['another secret', { secret: new Uint8Array(32).fill(9) }],
    ['another run', { run: 'cd'.repeat(32) }],
    ['another step', { step: 4 }],
    ['another digest', { digest: RUN }],
    ['a byte that changed', { flip: true }],
  ] as [string, { secret?: Uint8Array; run?: string; step?: number; digest?: string; flip?: true }][])(
    'is refused with %s',
    async (_, over) => {
      const state = (await trainer(PLAIN)).state(3)
      const sealed = await sealCheckpoint(SECRET, RUN, state)
      await expect(openCheckpoint(SECRET, RUN, sealed)).resolves.toEqual(state)
      if (over.flip) sealed.sealed[sealed.sealed.length - 20]! ^= 1
      const { secret = SECRET, run = RUN, step = sealed.step, digest = sealed.digest } = over
      await expect(openCheckpoint(secret, run, { ...sealed, step, digest })).rejects.toMatchObject({
        code: 'ROOM_TRAIN_CHECKPOINT',
        action: 'stop',
      })
    },
  )

  it('of other weights or another optimiser continues nothing', async () => {
    const plain = await trainer(PLAIN)
    const { state } = await train({ trainer: await trainer(PRIVATE), settings: PRIVATE })
    expect(() => plain.restore(state)).toThrow(expect.objectContaining({ code: 'ROOM_TRAIN_CHECKPOINT' }))
    const cut = { ...plain.state(1), parameters: state.parameters.slice(1) }
    expect(() => plain.restore(cut)).toThrow(expect.objectContaining({ code: 'ROOM_TRAIN_CHECKPOINT' }))
  })
})

describe('sums of a step', () => {
  it('are added in the order of the contract, whatever order they come in', async () => {
    const sumsOf = (part: number, value: number): PartSum => ({
      part,
      sums: [30, 5, 5, 1].map((size) => new Float64Array(size).fill(value)),
      examples: 1,
    })
    // Sums of these depend on their order.
    const all = [sumsOf(0, 1e16), sumsOf(1, 3), sumsOf(2, -1e16)]
    const digests = new Set<string>()
    for (const order of [all, [all[0]!, all[2]!, all[1]!], all.toReversed()]) {
      const own = await trainer(PLAIN)
      own.apply(0, order)
      digests.add(digestOf(own.state(1)))
    }
    expect(digests.size).toBe(1)
  })

  it('are one of each input, and of these weights', async () => {
    const own = await trainer(PRIVATE)
    const sums = await own.sum(0)
    const [first] = sums
    for (const wrong of [
      sums.slice(1),
      [...sums, first!],
      [first!, first!, sums[1]!],
      [...sums.slice(1), { ...first!, sums: first!.sums.slice(1) }],
      [...sums.slice(1), { ...first!, sums: first!.sums.map((one) => one.subarray(1)) }],
    ])
      expect(() => own.apply(0, wrong)).toThrow(
        expect.objectContaining({ code: 'ROOM_TRAIN_PEER', action: 'stop' }),
      )
  })
})

describe('numbers that are none', () => {
  const gone = [0, 1, 2].map((part) => ({
    part,
    sums: [30, 5, 5, 1].map((size) => new Float64Array(size).fill(NaN)),
    examples: 1,
  }))

  it('end a training by name', async () => {
    const plain = await trainer(PLAIN)
    expect(() => plain.apply(4, gone)).toThrow(
      expect.objectContaining({
        code: 'ROOM_TRAIN_NOT_FINITE',
        message: 'a gradient is no number after step 5',
      }),
    )
  })

  it('of a clipped sum are the fault of its graph', async () => {
    const guarded = await trainer(PRIVATE)
    expect(() => guarded.apply(4, gone)).toThrow(expect.objectContaining({ code: 'ROOM_TRAIN_GRAPH' }))
  })

  it('in weights end it, too', async () => {
    const settings: TrainSettings = {
      ...PLAIN,
      optimiser: { kind: 'sgd', momentum: 0, weightDecay: 0 },
      schedule: { kind: 'constant', rate: 1e6, warmupSteps: 0, floor: 0 },
    }
    const plain = await trainer(settings)
    const huge = gone.map((sum) => ({ ...sum, sums: sum.sums.map((one) => one.map(() => 1e40)) }))
    expect(() => plain.apply(0, huge)).toThrow(
      expect.objectContaining({
        code: 'ROOM_TRAIN_NOT_FINITE',
        message: 'a weight is no number after step 1',
      }),
    )
  })
})
