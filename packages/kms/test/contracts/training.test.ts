import { type Contract, epsilonMicrosFor, type RunOffer, type TrainTask } from '@sotto/protocol/contract'
import { describe, expect, it } from 'vitest'
import { payloadOf } from '../world.ts'
import { ARTIFACTS, BANK, contractOf, OTHER_ROOM, ROOM, type Run, RoomWorld } from './room-world.ts'

const TERMS = {
  sampleRateNanos: 50_000_000,
  noiseMicros: 1_200_000,
  deltaTrillionths: 10_000_000,
  noise: 'gaussian',
} as const
const EPSILON_MICROS = epsilonMicrosFor(TERMS, { steps: 50 })

function trainTask(epsilonMicros: number): TrainTask {
  return {
    kind: 'train',
    recipe: { kind: 'linear' },
    data: {
      tables: ['accounts', 'purchases'],
      features: [{ column: 'amount', kind: 'number', min: 0, max: 100, decimals: 0 }],
      label: { column: 'customer', kind: 'category', values: ['a', 'b'] },
    },
    descent: {
      steps: 50,
      batch: 32,
      optimiser: { kind: 'sgd', momentumMicros: 0, weightDecayMicros: 0 },
      schedule: { kind: 'constant', rateNanos: 100_000_000, warmupSteps: 0, floorMicros: 0 },
    },
    privacy: { ...TERMS, clipMicros: 1_000_000, maxRowsPerContributor: 1, epsilonMicros },
    metrics: [],
    show: 'steps',
    limits: { memoryBytes: 2 ** 28, seconds: 60 },
  }
}

/** A bank and a shop that train one model, once. */
function training(one: Contract, epsilonMicros = EPSILON_MICROS): Contract {
  const uses = [{ transform: 'learn', runs: 1, epsilonMicros, deltaTrillionths: TERMS.deltaTrillionths }]
  return {
    ...one,
    inputs: one.inputs.map((input) => ({ ...input, uses, rules: { ...input.rules, noisy: true } })),
    transforms: [
      {
        name: 'learn',
        reads: ['accounts', 'purchases'],
        room: [ROOM.image, OTHER_ROOM.image],
        task: trainTask(epsilonMicros),
      },
    ],
    outputs: [{ name: 'offers', from: 'learn', receivers: ['shop'], maxBytes: 4096 }],
  }
}

async function trainingWorld(): Promise<RoomWorld> {
  const world = await RoomWorld.open()
  world.use(training(contractOf(world.genesis, world.now)))
  await world.prepared()
  return world
}

/** A room offers to train, or to go on. */
async function offer(world: RoomWorld, change: Partial<RunOffer> = {}, room = ROOM): Promise<Run> {
  // No template: what a training does, its contract says.
  return world.offer({ transform: 'learn', template: undefined, ...change } as Partial<RunOffer>, room)
}

describe('a training', () => {
  it('is charged what its contract says, once for each owner', async () => {
    const world = await trainingWorld()
    await world.run(await offer(world))
    const { left } = await world.show('bank')
    expect(left).toEqual(
      ['accounts', 'purchases'].map((input) => ({
        input,
        transform: 'learn',
        runs: 0,
        epsilonMicros: 0,
        deltaTrillionths: 0,
      })),
    )
    expect(await world.code(world.asking(await offer(world)))).toBe('CONTRACT_BUDGET')
  })

  it('goes on in another room for nothing, from the same secret', async () => {
    const world = await trainingWorld()
    const first = await offer(world)
    const begun = await world.run(first)
    expect(begun.keys.training).toMatch(/^[A-Za-z0-9_-]{43}$/)
    const second = await offer(world, { resumes: first.id }, OTHER_ROOM)
    const resumed = await world.run(second)
    expect(resumed.keys).toEqual(begun.keys)
    expect(payloadOf(resumed.receipt)).toMatchObject({ charges: [], sequence: 2 })
    expect((await world.show('bank')).left[0]).toMatchObject({ runs: 0, epsilonMicros: 0 })
  })

  it('goes on after its offer has expired, and after a start of the KMS', async () => {
    const world = await trainingWorld()
    const first = await offer(world)
    const { keys } = await world.run(first)
    world.now += 7200
    await world.start()
    const resumed = await world.run(await offer(world, { resumes: first.id }))
    expect(resumed.keys.training).toBe(keys.training)
  })

  it('goes on with nothing else: not with other inputs, not with what never began', async () => {
    const world = await trainingWorld()
    const first = await offer(world)
    await world.run(first)
    const other = 'c0'.repeat(16)
    const { key, content } = ARTIFACTS.accounts
    await world.kms.importArtifact(other, world.artifactImport(other, key, { contract: world.digest }, BANK))
    await world.ok(world.data('accounts', { artifact: other, content, version: 2 }))
    const inputs = first.offer.inputs.map((input) =>
      input.input === 'accounts' ? { ...input, artifact: other } : input,
    )
    expect(await world.code(world.asking(await offer(world, { resumes: first.id, inputs })))).toBe(
      'KMS_CONTRACT_RUN',
    )
    expect(await world.code(world.asking(await offer(world, { resumes: '00'.repeat(32), inputs })))).toBe(
      'KMS_CONTRACT_RUN',
    )
  })

  it('gives one result, of whichever room is first', async () => {
    const world = await trainingWorld()
    const first = await offer(world)
    await world.run(first)
    const second = await offer(world, { resumes: first.id })
    await world.run(second)
    await world.ok(world.result(second))
    expect(await world.code(world.result(first))).toBe('KMS_CONTRACT_RUN')
    expect(await world.code(world.asking(second))).toBe('KMS_CONTRACT_RUN')
    expect(await world.code(world.asking(await offer(world, { resumes: first.id })))).toBe('KMS_CONTRACT_RUN')
    // Asked again for what has left, the answer is the same.
    expect(await world.code(world.result(second))).toBe('none')
  })

  it('that costs more than its contract says binds nobody', async () => {
    const world = await RoomWorld.open()
    world.use(training(contractOf(world.genesis, world.now), EPSILON_MICROS - 2))
    expect(await world.code(world.accept('bank'))).toBe('CONTRACT_PRIVACY')
    expect(
      await world.code({ call: 'show', contract: world.digest, inquiry: world.signed('inquiry', 'bank') }),
    ).toBe('KMS_CONTRACT_UNKNOWN')
  })
})

it('a run of other tasks has nothing to go on with', async () => {
  const world = await RoomWorld.open()
  await world.prepared()
  const first = await world.offer()
  const { keys } = await world.run(first)
  expect(keys).not.toHaveProperty('training')
  expect(await world.code(world.asking(await world.offer({ resumes: first.id })))).toBe('CONTRACT_RUN')
})
