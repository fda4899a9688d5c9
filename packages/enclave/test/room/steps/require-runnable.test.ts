import { type Contract, planRun, type TrainRecipe, type TrainTask } from '@sotto/protocol/contract'
import { describe, expect, it } from 'vitest'
import { GoodQueries, requireRunnable, type StepTools } from '../../../src/room/index.ts'
import { BOOSTED, LOGISTIC, PRIVATE } from '../../train/process/tasks.ts'
import { planOf, tableInput, trainTools } from '../runs/trainings.ts'

const check = (task: TrainTask, tools = trainTools(), good = new GoodQueries()): Promise<void> =>
  requireRunnable(planOf(task), tools, good)

describe('a training that a room is asked for', () => {
  it.each([
    ['logistic regression', LOGISTIC],
    ['trees', BOOSTED],
    ['one with a guarantee', PRIVATE],
  ])('is taken: %s', async (_, task) => {
    await expect(check(task)).resolves.toBe(undefined)
  })

  it('is tried once, in as much memory as its contract has', async () => {
    const places: number[] = []
    const tools = trainTools((memoryBytes) => places.push(memoryBytes))
    const good = new GoodQueries()
    await check(LOGISTIC, tools, good)
    await check(LOGISTIC, tools, good)
    expect(places).toEqual([2 ** 31 + LOGISTIC.limits.memoryBytes])
    await check({ ...LOGISTIC, recipe: { kind: 'mlp', hidden: [3], activation: 'relu' } }, tools, good)
    expect(places).toHaveLength(2)
  })

  it('is not remembered where it was refused, and no process is started for what its settings say', async () => {
    const places: number[] = []
    const tools = trainTools((memoryBytes) => places.push(memoryBytes))
    const good = new GoodQueries()
    const gone = { ...tools, train: { entry: '/nonexistent.ts', threads: 1 } }
    for (let at = 0; at < 2; at++)
      await expect(check(LOGISTIC, gone, good)).rejects.toMatchObject({ code: 'ROOM_TRAIN_CRASHED' })
    expect(places).toHaveLength(2)
    const recipe: TrainRecipe = { kind: 'mlp', hidden: [8192, 8192], activation: 'relu' }
    await expect(check({ ...LOGISTIC, recipe }, tools, good)).rejects.toMatchObject({
      code: 'ROOM_TRAIN_TOO_LARGE',
      expected: 'at most 16777216',
    })
    expect(places).toHaveLength(2)
  })

  it('is refused that costs more privacy than its contract says', async () => {
    const privacy = { ...PRIVATE.privacy!, epsilonMicros: 100_000 }
    await expect(check({ ...PRIVATE, privacy })).rejects.toMatchObject({ code: 'CONTRACT_PRIVACY' })
  })

  it('is refused whose noise is for smaller models', async () => {
    const recipe: TrainRecipe = { kind: 'mlp', hidden: [2000], activation: 'relu' }
    const privacy = { ...PRIVATE.privacy!, noise: 'discrete', sampleRateNanos: 1_000_000_000 } as const
    const task: TrainTask = { ...PRIVATE, recipe, privacy: { ...privacy, epsilonMicros: 100_000_000 } }
    const schedule = { ...task.descent!.schedule, warmupSteps: 0 }
    await expect(check({ ...task, descent: { ...task.descent!, steps: 1, schedule } })).rejects.toMatchObject(
      {
        code: 'ROOM_TRAIN_PRIVACY',
      },
    )
  })

  it('is refused by a room that trains nothing', async () => {
    const { train: _, ...tools }: StepTools = trainTools()
    await expect(check(LOGISTIC, tools)).rejects.toMatchObject({ code: 'ROOM_TASK' })
  })

  it('is refused that would read what another step makes', async () => {
    const first = { name: 'other', reads: ['one'], room: [], task: LOGISTIC }
    const second = { name: 'fit', reads: ['other'], room: [], task: LOGISTIC }
    const contract = { inputs: [tableInput('one')], transforms: [first, second], outputs: [] }
    const plan = planRun(contract as unknown as Contract, 'fit')
    await expect(requireRunnable(plan, trainTools(), new GoodQueries())).rejects.toMatchObject({
      code: 'ROOM_TASK',
      expected: 'tables of owners',
      found: 'a result of train',
    })
  })
})
