import { utf8 } from '@sotto/protocol/bytes'
import {
  type Contract,
  epsilonMicrosFor,
  type Output,
  runDigest,
  type TrainPrivacy,
  type TrainTask,
} from '@sotto/protocol/contract'
import type { RunView } from '@sotto/protocol/room'
import { parseMetrics } from '@sotto/protocol/training'
import { afterEach, describe, expect, it } from 'vitest'
import { ROOM } from '../../packages/kms/test/contracts/room-world.ts'
import { claim } from '../claims.ts'
import { RoomLab, trainTools } from './support/room-lab.ts'
import { sealed, type SealedData } from './support/sealed-data.ts'

/** Numbers from 0 to 1 by a seed. */
function evenly(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/** Payments. Fraud is a large amount at night; each owner has seen one half of the day only. */
function payments(seed: number, rows: number, hours: [from: number, to: number]): string {
  const next = evenly(seed)
  const lines = Array.from({ length: rows }, (_, at) => {
    const amount = Math.round(next() * 1000)
    const hour = Math.floor(hours[0] + next() * (hours[1] - hours[0]))
    const isFraud = amount / 1000 + Math.abs(hour - 12) / 12 + (next() - 0.5) * 0.4 > 1.2
    return `c${seed}-${at},${amount},${hour},${isFraud}`
  })
  return ['customer,amount,hour,fraud', ...lines, ''].join('\n')
}

/** A table that lacks a column. */
function withoutHours(table: string): string {
  return table.replaceAll(/^([^,]*,[^,]*),[^,]*,/gm, '$1,')
}

const columns: NonNullable<Contract['inputs'][number]['columns']> = [
  { name: 'customer', type: 'text' },
  { name: 'amount', type: 'integer' },
  { name: 'hour', type: 'integer' },
  { name: 'fraud', type: 'boolean' },
]
const STEPS = 60
const PRIVACY: TrainPrivacy = {
  sampleRateNanos: 200_000_000,
  noiseMicros: 1_000_000,
  clipMicros: 1_000_000,
  maxRowsPerContributor: 1,
  noise: 'gaussian',
  epsilonMicros: 0,
  deltaTrillionths: 10_000_000,
}
PRIVACY.epsilonMicros = epsilonMicrosFor(PRIVACY, { steps: STEPS })

function task(tables: string[], change: Partial<TrainTask> = {}): TrainTask {
  return {
    kind: 'train',
    recipe: { kind: 'mlp', hidden: [16], activation: 'tanh' },
    data: {
      tables,
      features: [
        { column: 'amount', kind: 'number', min: 0, max: 1000, decimals: 0 },
        { column: 'hour', kind: 'number', min: 0, max: 24, decimals: 0 },
      ],
      label: { column: 'fraud', kind: 'category', values: ['false', 'true'] },
    },
    validation: { tables: ['seen'] },
    descent: {
      steps: STEPS,
      batch: 160,
      optimiser: { kind: 'adamw', beta1Micros: 900_000, beta2Micros: 999_000, weightDecayMicros: 0 },
      schedule: { kind: 'constant', rateNanos: 50_000_000, warmupSteps: 0, floorMicros: 0 },
    },
    metrics: ['loss', 'auc'],
    show: 'steps',
    limits: { memoryBytes: 2 ** 29, seconds: 60 },
    ...change,
  }
}

/** Two owners with a table each, and one that both know to measure with. */
function together(one: TrainTask, isProtected = false): () => Partial<Contract> {
  const spends = { epsilonMicros: PRIVACY.epsilonMicros, deltaTrillionths: PRIVACY.deltaTrillionths }
  const table = (name: string, owner: string, isOwn: boolean): Contract['inputs'][number] => ({
    name,
    owner,
    kind: 'table',
    columns,
    uses: [{ transform: 'learn', runs: 1, ...(isOwn && spends) }],
    rules: {
      receivers: ['bank', 'shop'],
      forbidden: [],
      minContributors: isOwn ? 20 : 1,
      contributor: 'customer',
      noisy: isOwn,
      review: false,
    },
  })
  const part = (name: string, of: Output['part'], receivers: string[]): Output => ({
    name,
    from: 'learn',
    ...(of && { part: of }),
    receivers,
    maxBytes: 65_536,
  })
  const all = [
    table('accounts', 'bank', isProtected),
    table('purchases', 'shop', isProtected),
    table('seen', 'bank', false),
  ]
  const reads = [...one.data.tables, 'seen']
  return () => ({
    inputs: all.filter(({ name }) => reads.includes(name)),
    transforms: [{ name: 'learn', reads, room: [ROOM.image], task: one }],
    outputs: [part('model', undefined, ['bank', 'shop']), part('figures', 'metrics', ['shop'])],
  })
}

const tables = {
  accounts: await sealed('table', 'csv', utf8(payments(1, 400, [0, 12]))),
  purchases: await sealed('table', 'csv', utf8(payments(2, 400, [12, 24]))),
  seen: await sealed('table', 'csv', utf8(payments(3, 600, [0, 24]))),
} satisfies Record<string, SealedData>

let lab: RoomLab
afterEach(() => lab?.close())

const isRead = (name: string): boolean => lab.world.contract.inputs.some((input) => input.name === name)
async function prepare(): Promise<void> {
  await lab.prepare(Object.fromEntries(Object.entries(tables).filter(([name]) => isRead(name))))
}

/** The area under the curve of what a contract trains, of rows of the whole day. */
async function aucOf(one: TrainTask): Promise<number> {
  lab = await RoomLab.open(together(one))
  await prepare()
  const { view, offered } = await lab.run({ template: undefined })
  expect(view.failure).toBeUndefined()
  const figures = parseMetrics((await lab.open(view.outputs[1]!, offered, 'shop')).content)
  return figures.metrics.find(({ metric }) => metric === 'auc')!.valueMicros / 1e6
}

describe('a training of several owners', () => {
  it(claim('rooms.training', 'makes one model that is better than that of any of them'), async () => {
    const joint = await aucOf(task(['accounts', 'purchases']))
    await lab.close()
    const bank = await aucOf(task(['accounts']))
    await lab.close()
    const shop = await aucOf(task(['purchases']))
    expect(joint).toBeGreaterThan(0.93)
    expect(joint).toBeGreaterThan(Math.max(bank, shop) + 0.05)
  })

  it('gives each part to its receivers only, and names what was trained and what it cost', async () => {
    lab = await RoomLab.open(together(task(['accounts', 'purchases'], { privacy: PRIVACY }), true))
    await prepare()
    const { view, offered } = await lab.run({ template: undefined })
    expect(view.failure).toBeUndefined()
    const model = await lab.open(view.outputs[0]!, offered, 'bank')
    expect(model.sealed.keys.map(({ party }) => party)).toEqual(['bank', 'shop'])
    expect(model.content.length).toBeGreaterThan(500)
    const figures = await lab.open(view.outputs[1]!, offered, 'shop')
    expect(figures.sealed.keys.map(({ party }) => party)).toEqual(['shop'])
    const { payload } = JSON.parse(view.provenance!) as { payload: string }
    const { predicate } = JSON.parse(Buffer.from(payload, 'base64').toString()) as {
      predicate: { steps: unknown[]; charges: unknown[] }
    }
    const { epsilonMicros, deltaTrillionths } = PRIVACY
    expect(predicate.steps).toMatchObject(
      [
        {
          kind: 'train',
          training: { steps: STEPS, graph: /^[0-9a-f]{64}$/, epsilonMicros, deltaTrillionths },
        },
      ].map((step) => ({
        ...step,
        training: { ...step.training, graph: expect.stringMatching(/^[0-9a-f]{64}$/) },
      })),
    )
    expect(predicate.charges.slice(0, 2)).toMatchObject([
      { epsilonMicros, deltaTrillionths },
      { epsilonMicros },
    ])
  })

  it('shows its loss while it runs only where every party may see it', async () => {
    lab = await RoomLab.open(together(task(['accounts', 'purchases'], { show: 'loss' })))
    await prepare()
    const { view } = await lab.run({ template: undefined })
    expect(view.failure).toBeUndefined()
    expect(view.progress).toMatchObject({ transform: 'learn', done: STEPS, of: STEPS })
    expect(view.progress!.lossMicros).toBeGreaterThan(0)
  })
})

/** Its owner approves every output as it was looked at. */
async function approveAll(run: string, digests: ReadonlyMap<string, string>): Promise<void> {
  const approvals = [...digests].map(([output, digest]) =>
    lab.world.signed('approval', 'bank', { run, output, digest, verdict: 'release' }),
  )
  await lab.ask({ call: 'approve', run, inquiry: lab.world.signed('inquiry', 'bank'), approvals })
}

describe('a training whose room is gone', () => {
  it(claim('rooms.training', 'goes on in another for nothing, and comes to the same model'), async () => {
    const one = task(['accounts', 'purchases'], { privacy: PRIVACY })
    lab = await RoomLab.open((plain) => {
      const change = together(one, true)()
      change.inputs![0]!.rules.review = true
      return { ...plain, ...change }
    })
    await prepare()
    const first = await lab.offer({ template: undefined })
    await lab.begin(first)
    const run = runDigest(first.offer)
    // It got its keys, and is killed before it says what it made.
    while ((await lab.look(run)).receipt === undefined) await new Promise((done) => setTimeout(done, 5))
    lab.restart()
    const goOn = { template: undefined, resumes: run }
    const models: string[] = []
    for (let room = 0; room < 2; room++) {
      const { view, offered } = await lab.run(goOn)
      expect(view.failure).toBeUndefined()
      expect(view.state).toBe('waiting')
      const looked = await Promise.all(view.review.map((envelope) => lab.open(envelope, offered, 'bank')))
      models.push(Buffer.from(looked[0]!.content).toString('hex'))
      // The first of them is killed between what it made and what leaves.
      if (room === 0) {
        lab.restart()
        continue
      }
      const digests = new Map(looked.map(({ sealed: { output, digest } }) => [output, digest]))
      await approveAll(runDigest(offered.offer), digests)
      expect((await lab.settled(runDigest(offered.offer))).state).toBe('done')
    }
    expect(models[0]).toBe(models[1])
    const { left } = await lab.world.show('bank')
    expect(left[0]).toMatchObject({ runs: 0, epsilonMicros: 0, deltaTrillionths: 0 })
    // Nothing of it leaves twice.
    const third = await lab.run(goOn)
    expect(third.view).toMatchObject({ state: 'failed', failure: { code: 'ROOM_KMS' }, outputs: [] })
    expect(third.view.receipt).toBeUndefined()
  })
})

describe('a long training', () => {
  it('is kept as it stands, and goes on from there in another room', async () => {
    const one = task(['accounts'])
    // Some seconds: it has to stand still a few times before it is over.
    one.descent!.steps = 40_000
    lab = await RoomLab.open((plain) => ({ ...plain, ...together(one)() }), {
      train: { ...trainTools, firstStateMs: 1 },
    })
    await prepare()
    const first = await lab.offer({ template: undefined })
    await lab.begin(first)
    const run = runDigest(first.offer)
    let checkpoint: RunView['checkpoint']
    while ((checkpoint = (await lab.look(run)).checkpoint) === undefined)
      await new Promise((done) => setTimeout(done, 5))
    lab.restart()
    expect(lab.board.files.get(checkpoint.sealed)).toHaveLength(checkpoint.bytes)
    const goOn = { template: undefined, resumes: run }
    // Nobody goes on from another file in its place, or from a state that it is not.
    const file = lab.board.files.get(checkpoint.sealed)!
    lab.board.files.set(checkpoint.sealed, file.toReversed())
    const damaged = await lab.run({ ...goOn, checkpoint })
    expect(damaged.view).toMatchObject({ state: 'failed', failure: { code: 'ROOM_FILES' }, outputs: [] })
    lab.board.files.set(checkpoint.sealed, file)
    const other = await lab.run({ ...goOn, checkpoint: { ...checkpoint, state: 'ab'.repeat(32) } })
    expect(other.view).toMatchObject({ failure: { code: 'ROOM_TRAIN_CHECKPOINT' }, outputs: [] })
    const second = await lab.offer({ ...goOn, checkpoint })
    await lab.begin(second)
    const seen: number[] = []
    for (;;) {
      const { state, progress } = await lab.look(runDigest(second.offer))
      if (progress !== undefined) seen.push(progress.done)
      if (state === 'done') break
      expect(state).toBe('running')
      await new Promise((done) => setTimeout(done, 5))
    }
    expect(seen[0]).toBeGreaterThan(checkpoint.step)
  })
})

it('a state that the board does not take is no loss: the training goes on', async () => {
  const one = task(['accounts'])
  one.descent!.steps = 40_000
  let refused = 0
  lab = await RoomLab.open(
    (plain) => ({ ...plain, ...together(one)() }),
    { train: { ...trainTools, firstStateMs: 1 } },
    {
      read: (access, digest, range, signal) => lab.board.read(access, digest, range, signal),
      async write(access, digest, sealed) {
        if (refused++ === 0) throw new Error('the disk is full')
        return lab.board.write(access, digest, sealed)
      },
    },
  )
  await prepare()
  const { view } = await lab.run({ template: undefined })
  expect(view.failure).toBeUndefined()
  expect(refused).toBeGreaterThan(2)
})

describe('a training that comes to nothing', () => {
  it.each([
    ['a label of one class', payments(1, 400, [0, 12]).replaceAll('true', 'false'), 'ROOM_TRAIN_ONE_CLASS'],
    ['a column missing', withoutHours(payments(1, 400, [0, 12])), 'ROOM_TRAIN_COLUMN'],
    ['a type that changed', payments(1, 400, [0, 12]).replace(/,(\d+),/, ',much,'), 'ROOM_TRAIN_TYPE'],
    ['no rows', 'customer,amount,hour,fraud\n', 'ROOM_TRAIN_EMPTY'],
  ])('of %s is charged, named, and leaves nothing', async (_, table, code) => {
    lab = await RoomLab.open(together(task(['accounts'])))
    await lab.prepare({ accounts: await sealed('table', 'csv', utf8(table)), seen: tables.seen })
    const { view } = await lab.run({ template: undefined })
    expect(view).toMatchObject({ state: 'failed', failure: { code }, outputs: [] })
    expect(JSON.stringify(view.failure)).not.toMatch(/much|c1-/)
    expect((await lab.world.show('bank')).left[0]).toMatchObject({ runs: 0 })
  })

  it('of a rate that is too high is told that weights are no numbers', async () => {
    const one = task(['accounts'])
    one.descent!.optimiser = { kind: 'sgd', momentumMicros: 990_000, weightDecayMicros: 0 }
    one.descent!.schedule.rateNanos = 1_000_000_000_000
    one.recipe = { kind: 'linear' }
    one.data.label = { column: 'hour', kind: 'number', min: 0, max: 24, decimals: 0 }
    one.data.features = one.data.features.slice(0, 1)
    one.metrics = ['loss']
    lab = await RoomLab.open(together(one))
    await prepare()
    const { view } = await lab.run({ template: undefined })
    expect(view).toMatchObject({ state: 'failed', failure: { code: 'ROOM_TRAIN_NOT_FINITE' }, outputs: [] })
  })

  it('for want of budget is no run, and reads nothing', async () => {
    lab = await RoomLab.open(together(task(['accounts', 'purchases'], { privacy: PRIVACY }), true))
    await prepare()
    expect((await lab.run({ template: undefined })).view.state).toBe('done')
    const { view } = await lab.run({ template: undefined })
    expect(view).toMatchObject({ state: 'failed', outputs: [] })
    expect(view.receipt).toBeUndefined()
  })
})
