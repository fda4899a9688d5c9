import { type Contract, epsilonMicrosFor, type FinetuneTask, planRun } from '@sotto/protocol/contract'
import { describe, expect, it } from 'vitest'
import { GoodQueries, requireRunnable, type StepTools } from '../../../src/room/index.ts'
import { PRIVATE_TUNING, TUNING } from '../../train/tunings.ts'
import { planOf, tableInput, trainTools } from '../runs/trainings.ts'

const check = (task: FinetuneTask, tools = trainTools()): Promise<void> =>
  requireRunnable(planOf(task), tools, new GoodQueries())

describe('a fine-tuning that a room is asked for', () => {
  it('is taken without a process, for there is no model yet', async () => {
    const places: number[] = []
    await expect(
      check(
        TUNING,
        trainTools((memoryBytes) => places.push(memoryBytes)),
      ),
    ).resolves.toBe(undefined)
    expect(places).toEqual([])
  })

  it('is refused that costs more privacy than its contract says, and taken where it does not', async () => {
    const privacy = PRIVATE_TUNING.privacy!
    const epsilonMicros = epsilonMicrosFor(privacy, PRIVATE_TUNING.descent)
    const good = { ...PRIVATE_TUNING, privacy: { ...privacy, epsilonMicros } }
    await expect(check(good)).resolves.toBe(undefined)
    const cheap = { ...good, privacy: { ...privacy, epsilonMicros: Math.floor(epsilonMicros / 2) } }
    await expect(check(cheap)).rejects.toMatchObject({ code: 'CONTRACT_PRIVACY' })
  })

  it('is refused whose settings are out of bounds, and by a room that trains nothing', async () => {
    const descent = { ...TUNING.descent, batch: 0 }
    await expect(check({ ...TUNING, descent })).rejects.toMatchObject({ code: 'ROOM_TRAIN_SETTINGS' })
    const { train: _, ...tools }: StepTools = trainTools()
    await expect(check(TUNING, tools)).rejects.toMatchObject({ code: 'ROOM_TASK' })
  })

  it('is refused that would read what another step makes', async () => {
    const first = { name: 'other', reads: ['one'], room: [], task: TUNING }
    const second = { name: 'fit', reads: ['other'], room: [], task: TUNING }
    const contract = { inputs: [tableInput('one')], transforms: [first, second], outputs: [] }
    const plan = planRun(contract as unknown as Contract, 'fit')
    await expect(requireRunnable(plan, trainTools(), new GoodQueries())).rejects.toMatchObject({
      code: 'ROOM_TASK',
      expected: 'texts of owners',
    })
  })
})
